/**
 * The log port: ordered, partitioned, durable topics, and the claim that makes one worker the single writer of a shard.
 *
 * Owns the contract only. Drivers: `embedded` (one process, LevelDB), `memory` (several workers in one process, for
 * tests and simulation); `logContract` in `weir/testing/contracts` is the suite that each driver passes.
 *
 * Rules that callers rely on:
 * - a claim fences every older writer of its shard *before* `claim()` resolves (W1);
 * - a commit is durable as a whole or not at all (W2), and is retried by the driver, with the same records, until it is
 *   acknowledged or the claim is fenced;
 * - `append` may repeat records after a lost acknowledgement, so receivers deduplicate.
 */

/** Name of a topic, without the configured prefix. */
export type TopicName = string;

export interface TopicSpec {
  readonly name: TopicName;
  readonly partitions: number;
  /**
   * - `state`: compacted; partition *p* is written by the holder of the claim on *p* alone.
   * - `events`: appended by anyone, read in order, trimmed by its reader.
   * - `table`: compacted; partition *p* is written through publications of the holder of the claim on *p*.
   */
  readonly kind: 'state' | 'events' | 'table';
}

/** A shard: one partition of one state topic. */
export interface ShardId {
  readonly topic: TopicName;
  readonly partition: number;
}

/** Grows with each claim of a shard, and with each incarnation of the log (a restore or a mirror is a new one). */
export interface Term {
  readonly incarnation: number;
  readonly counter: number;
}

/** `value: null` is a tombstone. Keys are text, stored as UTF-8. */
export interface LogRecord {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * A record for partition *p* of a `table` topic, durable with (or after, never before) the commit that carries it. Tables
 * of the worker that commits it may show it as soon as that is durable, those of others when the topic has it; of several
 * values of a key, that come while the topic is busy, it may get the newest alone.
 */
export interface Publication extends LogRecord {
  readonly topic: TopicName;
  /** Nobody waits for it on another worker: a driver may wait a little for others to send it with. Default false. */
  readonly lazy?: boolean;
}

export interface CommitBatch {
  readonly records: readonly LogRecord[];
  /** In order; the last publication of a key is its newest value. */
  readonly publications: readonly Publication[];
}

/**
 * Takes the state of a shard as it is read while another worker still runs it, and makes of it what it can: so that there
 * is little left to do when the shard is claimed here.
 */
export interface StatePreview {
  /**
   * The newest values of keys, null for those that are gone; each call goes on from the one before. What it keeps of a value
   * it copies. Resolves when it has done what it wants to do about them; nothing is given before that.
   */
  take(records: readonly LogRecord[]): Promise<void>;
  /** What it was given does not count, or is not needed: it lets go of all of it. */
  clear(): void;
}

export interface Claim {
  readonly shard: ShardId;
  readonly term: Term;
  /**
   * Newest value of every live key of the shard, in chunks. Those of one kind, which is what a key begins with up to
   * and with its first "/", come together, and kinds in the order of their names. Call it once, before the first
   * commit. A value may be a view of much more memory, made anew each time that it is asked for: whoever keeps it for
   * long keeps a copy. Where the claim was given a preview that holds some of the state by then, only what has changed
   * since: null for a key that is gone.
   * @throws WeirError `WEIR_LOG_FENCED`, `WEIR_LOG_DAMAGED`
   */
  restore(): AsyncIterable<readonly LogRecord[]>;
  /**
   * Resolves when the batch is durable. One at a time: the next call comes after this one has settled.
   * A full disk or an absent broker does not reject; it waits, and `Log.health` says why.
   * @throws WeirError `WEIR_LOG_FENCED` when another worker claimed the shard. Whoever waits hears "unknown", not
   *   "failed": an attempt whose acknowledgement was lost may be in the history that the new owner reads, as a whole;
   *   nothing becomes visible after the fence. `WEIR_LOG_CLOSED` when the log was closed: the outcome is unknown.
   *   `WEIR_LOG_TOO_LARGE` when it is over `Log.limits`: nothing was written and the claim goes on.
   */
  commit(batch: CommitBatch): Promise<void>;
  /** Called once, when another claim is seen to have fenced this one. A hint: the next commit is refused in any case. */
  onLost(listener: () => void): void;
  /** Gives the claim up. The caller has nothing in flight. */
  release(): Promise<void>;
}

export interface TailRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Offset in the partition; grows strictly, may have gaps. */
  readonly offset: number;
}

/** Takes records of a partition. A promise holds the next ones back until it resolves: nothing is pushed without bound. */
export type TailReceiver = (records: readonly TailRecord[]) => Promise<void> | undefined;

export interface Tail {
  /** No record is delivered after this returns. */
  close(): void;
}

/** A topic as a map: a snapshot of all partitions, then every change. */
export interface Table {
  get(key: string): Uint8Array | undefined;
  entries(): IterableIterator<[string, Uint8Array]>;
  readonly size: number;
  /**
   * Gives all records to whoever keeps them in a form of its own. From here on the table holds none, and only tells of
   * changes.
   */
  handOver(): ReadonlyMap<string, Uint8Array>;
  /**
   * Whether claims of this log have made something durable for that partition that the table has not told of yet: with
   * several workers it may hear of it by way of the others. False: what they have is told.
   */
  isBehind(partition: number): boolean;
  /** Called after each change is applied; `value` is undefined for a removal. */
  onChange(listener: (key: string, value: Uint8Array | undefined) => void): void;
  close(): void;
}

/** A record of a `table` topic, as a reading gives it. */
export interface StoredRecord extends LogRecord {
  /** Where it lies, for `ReadOptions.after`: of use to the same driver, topic and partition alone. */
  readonly position: string;
}

export interface ReadOptions {
  /** Goes on behind the record of this position. Default: from the beginning. */
  readonly after?: string | undefined;
  /** Only keys that begin with this, which ends in "/". Default: all. */
  readonly under?: string | undefined;
  /** Newest first. Default: oldest first. */
  readonly backwards?: boolean | undefined;
}

/** Who owns what is only a hint, for liveness; the claim makes it safe. */
export interface AssignmentListener {
  /** This worker should run these partitions now. Called after each join, with none when others keep them all. */
  assigned(partitions: readonly number[]): void;
  /** This worker should give these partitions up; the promise resolves when they are drained and released. */
  revoked(partitions: readonly number[]): Promise<void>;
  /**
   * This worker is to run the partition next: what is read of its state before that is given to what this answers.
   * Default: nobody wants it.
   */
  coming?(partition: number): StatePreview | undefined;
}

export interface Membership {
  /**
   * The claim of a partition was lost to another worker. If the group still wants it to run here, `assigned` says so
   * again: a worker that was slow may have taken it after it had moved on (W6).
   */
  lost(partition: number): void;
  /** Revokes what is assigned through the listener, waits until it is drained (or a deadline), then leaves. */
  leave(): Promise<void>;
}

export interface LogHealth {
  readonly state: 'ok' | 'stalled';
  /** Why commits wait, when they do. */
  readonly error?: Error;
  /** Since when, in milliseconds of the clock. */
  readonly since?: number;
}

export interface LogLimits {
  /** Largest value of one record, in bytes. */
  readonly maxRecordBytes: number;
  /** Largest sum of keys and values of one commit, in bytes. */
  readonly maxBatchBytes: number;
}

export interface Log {
  readonly driver: string;
  readonly limits: LogLimits;
  /**
   * Creates what is missing.
   * @throws WeirError `WEIR_LOG_TOPIC` when a topic exists with another partition count or kind.
   */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** The topics that exist, as they were created. */
  topics(): Promise<readonly TopicSpec[]>;
  /**
   * Takes a shard over: older writers are fenced when this resolves.
   * @param preview what the listener of the shard's group has answered to `coming`, or an empty one. When this resolves
   *   it holds what `Claim.restore` goes on from; it is cleared if that does not count. Default: `restore` gives everything.
   */
  claim(shard: ShardId, preview?: StatePreview): Promise<Claim>;
  /**
   * Its owner has seen that a shard lacks what was acknowledged: where other workers may claim it, none of them does from
   * now on, before an operator has adopted what is left.
   * @param why a part of a sentence, as in `WEIR_LOG_LOST`
   */
  condemn(shard: ShardId, why: string): Promise<void>;
  /** Durable when it resolves; in order for each (caller, partition); may repeat. */
  append(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void>;
  /** Delivers the records of a partition from offset `from` (0: the oldest kept), in order, and goes on as they come. */
  tail(topic: TopicName, partition: number, from: number, receive: TailReceiver): Tail;
  table(topic: TopicName): Promise<Table>;
  /**
   * Reads a partition of a `table` topic once, up to where it ends by now, in chunks: for one that is too large to be
   * held as a map, and whose keys are written once, in their order. A driver gives live records in the order of their
   * keys, or all that it still has in the order of their writing. There a key may come again: of several records the
   * newest counts, it has no value when the key was removed, and after a takeover the last ones may be repeated.
   * @throws WeirError `WEIR_LOG_TOPIC`, `WEIR_LOG_CLOSED` also when the log is closed meanwhile, `WEIR_LOG_DAMAGED`
   */
  read(topic: TopicName, partition: number, options?: ReadOptions): AsyncIterable<readonly StoredRecord[]>;
  /** Records of an `events` partition with an offset below `before` may be forgotten. */
  trim(topic: TopicName, partition: number, before: number): Promise<void>;
  /**
   * Joins the group that shares the partitions of a sharded service.
   * @param state the topic of their states: a driver may read there ahead of a claim what is to move here, while another
   *   worker runs it. Default: nothing is read ahead.
   */
  join(group: string, partitions: number, listener: AssignmentListener, state?: TopicName): Promise<Membership>;
  health(): LogHealth;
  onHealth(listener: (health: LogHealth) => void): void;
  /** Waits for what is in flight, then lets go of files and sockets. */
  close(): Promise<void>;
}

/**
 * The seam between the generic shard and the service that runs on it.
 * The shard owns the claim, the commit loop, the outbox and the lanes; the program owns what the records mean.
 */
import type { Clock, Logger, Meter, Random } from '../../ports/index.ts';
import type { LogLimits, LogRecord } from '../../transport/log/index.ts';
import type { ChangeSet } from './change-set.ts';
import type { ShardTimers } from './timers.ts';

/** What a shard offers its program. */
export interface ShardHost {
  readonly partition: number;
  readonly partitions: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  readonly limits: LogLimits;
  readonly timers: ShardTimers;
  /** Number of the commit that is being filled; grows for ever. */
  commitNumber(): number;
  /** Lets a change set join the batch that is being filled. One that only removes leaves with the next that does more. */
  add(changes: ChangeSet): void;
  /**
   * Runs an event from inside (a settled step, a timer) as a turn of the shard, unless the incarnation has ended.
   * It does not pass the mailbox: such events are bounded by what the shard itself has started, and refusing one
   * would lose a wake-up (W6).
   */
  turn(run: () => void): void;
  /** Unacknowledged bytes on the way to a shard. */
  backlogBytes(partition: number): number;
  /** A record `d/...` was put for an input that nobody could read: it is named to operators. */
  parked(key: string): void;
  /** Removes records with the next commit that comes, or soon: those that would do no harm if they stayed. */
  removeLazily(keys: readonly string[]): void;
  /** Whether new work should be refused, because commits do not keep up (W7). */
  congested(): boolean;
}

/**
 * How the last owner of a shard has ended: `released`, it has let the shard go; `silent`, after one that has, another one
 * ended before it committed anything; `unclean`, it has committed, and then ended or lost the shard.
 */
export type FormerEnd = 'released' | 'silent' | 'unclean';

/**
 * What becomes of a shard's records before there is a program for them: while they are restored, and before that, while
 * another worker still runs the shard. Pure: the records that were put last, and nothing else, say what it holds.
 */
export interface ShardPreparation<Local> {
  /** The newest record of a key, which has no value when it is gone; false for one that it has no use for. */
  put(record: LogRecord): boolean;
  /** Makes of what was put what it can, piece by piece; of bytes that it keeps it has copies then. */
  make(): Iterable<unknown>;
  /** Lets go of everything. */
  clear(): void;
  /** The program that goes on from there, once. */
  program(host: ShardHost): ShardProgram<Local>;
}

/** What a service does with a shard. All of it runs inside the shard's turns, and none of it waits. */
export interface ShardProgram<Local> {
  /** One record of the restored state that is not the shard's own, nor one that its preparation has taken. */
  restore(key: string, value: Uint8Array): void;
  /** One record of a shard that there is no more since they were made fewer: it rests here. Default: nothing is done. */
  restoreResting?(shard: number, key: string, value: Uint8Array): void;
  /**
   * Everything is read: makes of it what it can before it runs, piece by piece. Between two pieces others on this worker
   * have their turns, and nothing reaches the program; it neither commits nor arms a timer yet. Default: nothing is made.
   */
  prepare?(): Iterable<unknown>;
  /** Everything is read and made: arm timers, resend what is pending, run on. */
  restored(before: FormerEnd): void;
  /** A message that another shard sent through its outbox: exactly once, in order. Effects go into `changes`. */
  receive(bytes: Uint8Array, changes: ChangeSet): void;
  /** A message without number; it may be lost or repeated. */
  service(kind: string, bytes: Uint8Array): void;
  local(message: Local): void;
  /** Answers a request that comes too late: the shard is draining. */
  refuse(message: Local): void;
  /** Starts nothing new; resolves when nothing is running outside the shard's turns. */
  drain(): Promise<void>;
  /** The incarnation has ended: drop timers, abort what runs. Nothing may reach the shard afterwards. */
  ended(): void;
  facts(): Readonly<Record<string, unknown>>;
}

/**
 * The log while nobody runs on it: what copies of it, other partitionings and its adoption stand on.
 *
 * Owns the contract only; each durable driver has one. Topics that are written here are *staged*: nobody sees them until
 * `publish` puts all of them in the place of those of the same name, at once and together with a new incarnation. So an
 * act that breaks off, wherever it does, has changed nothing.
 */
import type { LogLimits, LogRecord, ShardId, TopicName, TopicSpec } from './port.ts';

export interface OfflineLog {
  readonly driver: string;
  /** Where it is, for messages. */
  readonly place: string;
  readonly incarnation: number;
  readonly limits: LogLimits;
  /** As they were when it was opened. */
  readonly topics: readonly TopicSpec[];
  /** Keeps whoever may still believe to own a shard of the topic from writing to it. */
  fence(topic: TopicName): Promise<void>;
  /**
   * Newest value of every live key of a partition of a `state` or `table` topic, in chunks; in key order for a state.
   * A table is as it will be when what its owner has committed to publish is there. Memory is that of one shard, or of
   * the keys of one partition of a table.
   */
  records(topic: TopicName, partition: number): AsyncIterable<readonly LogRecord[]>;
  /** The events of a partition from offset `from` (0: the oldest kept) to where it ends by now, in chunks. */
  events(topic: TopicName, partition: number, from: number): AsyncIterable<readonly LogRecord[]>;
  /**
   * Nobody runs on the log, and no partition that was read has changed since.
   * @throws WeirError `WEIR_LOG_RUNNING`, `WEIR_LOG_CHANGED`
   */
  assertStill(): Promise<void>;
  stage(topics: readonly TopicSpec[], incarnation: number): Promise<LogStage>;
  /**
   * Makes what is there the log of a new incarnation, whatever it was before: a copy, a restored one.
   * @param mending asked once, when every topic is there; not by a driver whose copies have nothing to be mended
   * @throws WeirError `WEIR_LOG_TOPIC` when a topic is missing, or has another number of partitions
   */
  adopt(incarnation: number, mending: () => Promise<Mend>): Promise<void>;
  /** What is not as this log was made, one sentence for each; empty when nothing shows that it is another one. */
  strangeness(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Records to write over those of a shard. */
export interface Mended {
  readonly first: readonly LogRecord[];
  /** Once every shard has its `first`. */
  readonly later: readonly LogRecord[];
}

/** What a shard's records should be in what is adopted. */
export type Mend = (shard: ShardId, records: readonly LogRecord[]) => Mended;

export interface LogStage {
  /** Appends to events, puts into the others; durable when it resolves. At most `limits.maxBatchBytes` at once. */
  write(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void>;
  /** What was written, as it stands now. */
  read(topic: TopicName, partition: number): AsyncIterable<readonly LogRecord[]>;
  /** Resolves with what is left of the topics that were replaced, by the names that an operator can remove them by. */
  publish(): Promise<readonly string[]>;
  /** Removes what was written, as far as that can be done. */
  discard(): Promise<void>;
}

/** Where the records of a topic lie after an act of this incarnation. The name comes last, where people look for it. */
export function placeOf(topic: TopicName, incarnation: number): string {
  return `${incarnation}.${topic}`;
}

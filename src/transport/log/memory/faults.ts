/** Faults that a test or a simulation gives to the memory cluster: what may happen to one request. */
import type { LogHealth, ShardId, TopicName } from '../port.ts';

/**
 * - `lost-ack`: it takes effect, but the answer is lost and the worker sends it again (an append takes effect twice);
 * - `crash-before`, `crash-after`: the worker dies before or after it takes effect, and hears no answer;
 * - `{ delayMs }`: it arrives that much later; with `held` not before that has resolved, with `what` it then has that fate.
 */
export type Fate =
  | 'ok'
  | 'lost-ack'
  | 'crash-before'
  | 'crash-after'
  | {
      readonly delayMs: number;
      readonly held?: Promise<void>;
      readonly what?: 'lost-ack' | 'crash-before' | 'crash-after';
    };

export interface CommitInfo {
  readonly worker: string;
  readonly shard: ShardId;
  /** Number of the commit within its claim, from 1. */
  readonly sequence: number;
}

export interface AppendInfo {
  readonly worker: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly records: number;
}

export interface Faults {
  /** Asked once for each commit, when it is sent. */
  commit?(info: CommitInfo): Fate;
  /** Asked once for each append, when it is sent. */
  append?(info: AppendInfo): Fate;
  /** Why the commits of a worker wait; undefined when they do not. */
  health?(worker: string): LogHealth | undefined;
}

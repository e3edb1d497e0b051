/**
 * The meter port: told how long things took and how often they happened, for the figures of an operator. Called on hot
 * paths, so an implementation does no more than add up; without one nothing is kept.
 */

/**
 * - `claim`: a shard is claimed in the log; on Kafka its state has been read by then.
 * - `restore`: what was read is made into flows again.
 * - `takeover`: both together: from the beginning of the claim until the shard runs.
 * - `commit`: a batch of a shard, from when it is handed to the log until it is durable.
 * - `step`: one attempt of a step's body.
 * - `replay`: a flow that rested is rebuilt from its journal and run on to where it waits next.
 */
export type Timing = 'claim' | 'restore' | 'takeover' | 'commit' | 'step' | 'replay';

/**
 * - `rebalance`: the group has given out its shards anew.
 * - `fenced`: another worker has claimed a shard that was this one's.
 * - the others: something came again and changed nothing.
 */
export type Counting =
  | 'rebalance'
  | 'fenced'
  | 'repeatedDelivery'
  | 'repeatedStart'
  | 'repeatedRequest'
  | 'repeatedMessage';

export interface Meter {
  time(what: Timing, ms: number): void;
  count(what: Counting, times?: number): void;
}

/** Keeps nothing. */
export const silentMeter: Meter = { time: () => undefined, count: () => undefined };

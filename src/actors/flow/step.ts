/** Steps: one journalled effect each, with the policy by which a transient failure is tried again. */
import { WeirError } from '../../errors/index.ts';
import { type Duration, toMs } from '../../ports/index.ts';

/** What a step's body is given. */
export interface StepInfo {
  /** The same at every attempt and after every restart: pass it on as idempotency key. */
  readonly id: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted when the flow is killed or the shard moves away. */
  readonly signal: AbortSignal;
}

export type StepBody<T> = (step: StepInfo) => T | Promise<T>;

export interface RetryPolicy {
  /** Attempts in all; after the last one the flow is STUCK. Default 10. */
  readonly attempts?: number;
  /** Wait before the second attempt; doubled for each further one. Default 200 ms. */
  readonly min?: Duration;
  /** Longest wait. Default 1 minute. */
  readonly max?: Duration;
}

export interface StepOptions {
  /** Overrides the flow's own policy. */
  readonly retry?: RetryPolicy;
  /**
   * Longest time of one attempt. Then its signal is aborted, whatever it still gives is dropped, and it counts as failed
   * for a moment (`WEIR_STEP_TIMEOUT`): it is tried again by policy. Default: the node's `stepTimeout`, 10 min.
   */
  readonly timeout?: Duration;
  /**
   * Longest time from the first attempt on, waits between attempts included. Then `WEIR_STEP_DEADLINE` is thrown into the
   * flow, which can catch it. Default: none.
   */
  readonly deadline?: Duration;
}

export interface RetryTimes {
  readonly attempts: number;
  readonly minMs: number;
  readonly maxMs: number;
}

const defaults: RetryTimes = { attempts: 10, minMs: 200, maxMs: 60_000 };

/**
 * The policy that holds for a step: its own, over the flow's, over the defaults.
 * @throws WeirError `WEIR_DURATION_INVALID`, `WEIR_RETRY_INVALID`
 */
export function retryTimes(...policies: ReadonlyArray<RetryPolicy | undefined>): RetryTimes {
  const pick = <T>(read: (policy: RetryPolicy) => T | undefined): T | undefined => {
    for (const policy of policies) {
      const value = policy === undefined ? undefined : read(policy);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const attempts = pick((policy) => policy.attempts) ?? defaults.attempts;
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new WeirError('WEIR_RETRY_INVALID', { why: `attempts is ${String(attempts)}, not a whole number from 1 on` });
  }
  const min = pick((policy) => policy.min);
  const max = pick((policy) => policy.max);
  return {
    attempts,
    minMs: min === undefined ? defaults.minMs : toMs(min),
    maxMs: max === undefined ? defaults.maxMs : toMs(max),
  };
}

/** Wait before the next attempt after `failed` failures, with up to a quarter of jitter, in milliseconds. */
export function backoffMs({ minMs, maxMs }: RetryTimes, failed: number, random: number): number {
  const wait = Math.min(maxMs, minMs * 2 ** Math.min(failed - 1, 30));
  return Math.round(wait * (1 + random / 4));
}

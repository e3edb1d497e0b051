/** Findings of a checkup: what is well, what should be looked at, what must be mended. Owns how one is made of an error. */
import { type ErrorCode, ensureError, messageOf, WeirError } from '../../errors/index.ts';

export interface Finding {
  /** What was looked at: `broker kafka-1:9092`. */
  readonly check: string;
  /** `warn`: the node runs, but not as well or as safely as it could. `fail`: it does not, or loses what it promises. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** One sentence. */
  readonly says: string;
  readonly code?: ErrorCode;
  readonly cause?: string;
  readonly remedy?: string;
}

/** `1 broker`, `3 brokers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** How many shards the configuration asks for, if it does; their state is this topic. */
export interface WantedShards {
  readonly topic: string;
  readonly wanted: number | undefined;
}

export function well(check: string, says: string): Finding {
  return { check, state: 'ok', says };
}

/** What is told of anything that was thrown. */
export function found(check: string, thrown: unknown, state: 'warn' | 'fail' = 'fail'): Finding {
  const error = WeirError.is(thrown)
    ? thrown
    : new WeirError('WEIR_CHECK_UNEXPECTED', { why: messageOf(thrown) }, thrown);
  const { code, message: says, remedy } = error;
  const cause = error.cause === undefined ? undefined : ensureError(error.cause).message;
  const told = cause === undefined || says.includes(cause) ? {} : { cause };
  return { check, state, says, code, ...told, remedy };
}

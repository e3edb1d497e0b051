/** How long a restart waits: doubled with each failure of the window, and spread, so that many do not return at once. */
import type { Random } from '../ports/index.ts';

export interface BackoffSettings {
  readonly minMs: number;
  readonly maxMs: number;
  /** Part of the delay by which it may be shorter or longer, 0 to 1. */
  readonly jitter: number;
}

/** Beyond so many doublings every delay is the longest, and the power would not be a number of milliseconds any more. */
const mostDoublings = 50;

/** The delay before restart number `attempt` (from 1), in whole milliseconds. */
export function backoffMs({ minMs, maxMs, jitter }: BackoffSettings, attempt: number, random: Random): number {
  const plain = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, mostDoublings));
  const spread = 1 + jitter * (2 * random.next() - 1);
  return Math.round(plain * spread);
}

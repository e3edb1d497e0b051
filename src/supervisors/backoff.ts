/** How long a restart waits: doubled with each failure of the window, and spread, so that many do not return at once. */
import type { Random } from '../ports/index.ts';

export interface BackoffSettings {
  readonly minMs: number;
  readonly maxMs: number;
  /** Part of the delay by which it may be shorter or longer, 0 to 1. */
  readonly jitter: number;
}

/** The delay before restart number `attempt` (from 1), in whole milliseconds. */
export function backoffMs({ minMs, maxMs, jitter }: BackoffSettings, attempt: number, random: Random): number {
  const plain = Math.min(maxMs, minMs * 2 ** (attempt - 1));
  const spread = 1 + jitter * (2 * random.next() - 1);
  return Math.round(plain * spread);
}

/**
 * Restart budget: how many restarts a child may have within a period (OTP's intensity).
 * Owns only the arithmetic; who restarts and when is the supervisor's.
 */
export interface RestartBudgetSettings {
  /** Restarts allowed within `withinMs`, or `Infinity`; the next failure exhausts the budget. */
  readonly max: number;
  /** Length of the sliding window in milliseconds. */
  readonly withinMs: number;
}

export type BudgetVerdict = { readonly type: 'restart'; readonly attempt: number } | { readonly type: 'exhausted' };

export interface RestartBudget {
  /** Records a failure at `now` (milliseconds of the clock port) and says what to do about it. */
  record(now: number): BudgetVerdict;
}

/** Without a limit the failures are counted only for the backoff, which has long reached its longest by then. */
const countedWithoutLimit = 64;
/** Forgotten failures are dropped from memory in bulk: one at a time would cost a child that fails in a loop too much. */
const droppedTogether = 1_000;

export function restartBudget({ max, withinMs }: RestartBudgetSettings): RestartBudget {
  const longest = Number.isFinite(max) ? max + 1 : countedWithoutLimit;
  let failures: number[] = [];
  /** Index of the oldest failure that counts. */
  let first = 0;
  return {
    record(now) {
      while (first < failures.length && now - (failures[first] ?? now) >= withinMs) first += 1;
      failures.push(now);
      if (failures.length - first > longest) first = failures.length - longest;
      if (first >= droppedTogether) {
        failures = failures.slice(first);
        first = 0;
      }
      const attempt = failures.length - first;
      // The failure is counted before it is judged: `max: 0` must mean "never restart".
      return attempt > max ? { type: 'exhausted' } : { type: 'restart', attempt };
    },
  };
}

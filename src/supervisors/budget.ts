/**
 * Restart budget: how many restarts a child may have within a period (OTP's intensity).
 * Owns only the arithmetic; who restarts and when is the supervisor's.
 */
export interface RestartBudgetSettings {
  /** Restarts allowed within `withinMs`; the next failure exhausts the budget. */
  readonly max: number;
  /** Length of the sliding window in milliseconds. */
  readonly withinMs: number;
}

export type BudgetVerdict = { readonly type: 'restart'; readonly attempt: number } | { readonly type: 'exhausted' };

export interface RestartBudget {
  /** Records a failure at `now` (milliseconds of the clock port) and says what to do about it. */
  record(now: number): BudgetVerdict;
}

export function restartBudget({ max, withinMs }: RestartBudgetSettings): RestartBudget {
  let failures: number[] = [];
  return {
    record(now) {
      failures = failures.filter((at) => now - at < withinMs);
      failures.push(now);
      // The failure is counted before it is judged: `max: 0` must mean "never restart".
      return failures.length > max ? { type: 'exhausted' } : { type: 'restart', attempt: failures.length };
    },
  };
}

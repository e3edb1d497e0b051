/** Code of others that must not keep the processor: a loop without end in it stops everything else in its process. */
export interface Containment {
  /** All code of flows, or only of those that were running when a worker ended. */
  readonly of: 'suspects' | 'all';
  /**
   * Runs code and gives what it returns, or throws what it throws. When it keeps the processor for too long nothing of it
   * runs any more, not even its `finally`. What goes on behind an `await` is not contained.
   * @throws WeirError `WEIR_CODE_RUNAWAY` then
   */
  run<Result>(code: () => Result): Result;
}

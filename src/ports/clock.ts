/**
 * The clock port: time, timers and the order of turns. Core code takes all three from here (W9), so that a test can
 * move time by hand and a simulation can own it.
 */
export interface Timer {
  /** Nothing happens if it has fired already. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock in whole milliseconds since 1970; may step back. */
  now(): number;
  /** Milliseconds from an arbitrary start; never steps back. For measuring and for slices. */
  monotonic(): number;
  /**
   * Runs `fire` once, never before `delayMs` have passed (any length; beyond 24.8 days too). Timers of the same delay
   * fire in the order in which they were set. Does not keep the process alive.
   */
  after(delayMs: number, fire: () => void): Timer;
  /** Runs `run` in a later macrotask, after input and output had their chance. */
  soon(run: () => void): void;
}

/** setTimeout fires at once beyond 2^31 - 1 ms, so longer timers are cut into pieces. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The clock of the machine. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delayMs, fire) {
      const end = performance.now() + delayMs;
      let handle: NodeJS.Timeout;
      const arm = (leftMs: number): void => {
        // The platform counts whole milliseconds, begun ones too: without one more, a timer would fire before its time.
        handle =
          leftMs > longestTimeoutMs
            ? setTimeout(() => arm(end - performance.now()), longestTimeoutMs)
            : setTimeout(fire, leftMs > 0 ? Math.min(Math.ceil(leftMs) + 1, longestTimeoutMs) : 0);
        handle.unref();
      };
      arm(delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
    soon: (run) => void setImmediate(run),
  };
}

/** Waiting in virtual time: no further than from one timer to the next, and no longer than it takes. */
import { type Duration, toMs } from '../ports/index.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Within {
  /** The most virtual time to let pass; none of it passes outside. */
  readonly within?: Duration;
}

/**
 * Moves time forward until `look` finds something; undefined when it has found nothing `within`.
 * @throws WeirError `WEIR_CLOCK_RESTLESS`, `WEIR_DURATION_INVALID`
 */
export async function until<T>(
  clock: VirtualClock,
  within: Duration,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const end = clock.monotonic() + toMs(within);
  for (;;) {
    await clock.advance(0);
    const found = await look();
    if (found !== undefined) return found;
    const left = end - clock.monotonic();
    if (left <= 0) return undefined;
    await clock.advance(toNextTimer(clock, left));
  }
}

/** Milliseconds to the next timer, at most `left`. Timers may stand between two milliseconds; a step of 0 would go nowhere. */
export function toNextTimer(clock: VirtualClock, left: number): number {
  return Math.max(1, Math.ceil(Math.min(left, clock.untilNext() ?? left)));
}

/** The result of a promise that settles when time moves; undefined when it has not `within`. */
export async function settledWithin<T>(
  clock: VirtualClock,
  within: Duration,
  promise: Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  let outcome: (() => { readonly value: T }) | undefined;
  promise.then(
    (value) => {
      outcome = () => ({ value });
    },
    (error: unknown) => {
      outcome = () => {
        throw error;
      };
    },
  );
  const settled = await until(clock, within, () => outcome);
  return settled?.();
}

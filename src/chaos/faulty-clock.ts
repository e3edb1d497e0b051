/** A clock that is off, or runs too fast or too slow, as an injector says. */
import type { Clock } from '../ports/index.ts';
import type { FaultInjector } from './injector.ts';

/**
 * The clock as the worker sees it. Its wall clock may step in any direction, when a fault begins and when it ends; its
 * monotonic clock drifts but never goes back. A timer takes the pace of the moment at which it is set.
 */
export function faultyClock(clock: Clock, injector: FaultInjector): Clock {
  injector.attach({ clock: true });
  let latest = Number.NEGATIVE_INFINITY;
  return {
    now() {
      const { wallMs } = injector.clockError();
      return wallMs === 0 ? clock.now() : Math.round(clock.now() + wallMs);
    },
    monotonic() {
      latest = Math.max(latest, clock.monotonic() + injector.clockError().monotonicMs);
      return latest;
    },
    after: (delayMs, fire) => clock.after(delayMs / injector.clockError().rate, fire),
    soon: (run) => clock.soon(run),
  };
}

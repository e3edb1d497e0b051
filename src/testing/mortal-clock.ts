/** The clock of one life of a worker: when the worker is killed, nothing that it waits for happens any more. */
import type { Clock, Timer } from '../ports/index.ts';

export interface MortalClock extends Clock {
  /** The worker is dead. */
  end(): void;
}

export function mortalClock(clock: Clock): MortalClock {
  const timers = new Set<Timer>();
  let alive = true;
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(delayMs, fire) {
      if (!alive) return { cancel: () => undefined };
      const timer = clock.after(delayMs, () => {
        timers.delete(timer);
        fire();
      });
      timers.add(timer);
      return {
        cancel: () => {
          timers.delete(timer);
          timer.cancel();
        },
      };
    },
    soon(run) {
      if (!alive) return;
      clock.soon(() => {
        if (alive) run();
      });
    },
    end() {
      alive = false;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}

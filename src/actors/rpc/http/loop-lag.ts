/** How late timers fire: a sign that something holds the event loop. */
import type { Clock } from '../../../ports/index.ts';

const everyMs = 250;

export interface LoopLag {
  /** Longest delay since the last call, in seconds. */
  take(): number;
  stop(): void;
}

export function loopLag(clock: Clock): LoopLag {
  let worstMs = 0;
  let due = clock.monotonic() + everyMs;
  const tick = (): void => {
    const now = clock.monotonic();
    worstMs = Math.max(worstMs, now - due);
    due = now + everyMs;
    timer = clock.after(everyMs, tick);
  };
  let timer = clock.after(everyMs, tick);
  return {
    take() {
      const seconds = worstMs / 1_000;
      worstMs = 0;
      return seconds;
    },
    stop: () => timer.cancel(),
  };
}

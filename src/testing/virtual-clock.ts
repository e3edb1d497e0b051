/**
 * A clock that a test moves by hand. Owns virtual time and the timers on it; turns (`soon`) still run as macrotasks of
 * the machine, so that everything that is ready has run before and after each timer that comes due.
 */
import { WeirError } from '../errors/index.ts';
import { type Clock, type Duration, type Timer, toMs } from '../ports/index.ts';

export interface VirtualClockSettings {
  /** Wall clock at the start, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
}

export interface VirtualClock extends Clock {
  /**
   * Moves time forward: work that is ready runs first, then each timer that comes due, in order, with the work it causes.
   * `advance(0)` only lets ready work run. Calls that overlap run one after the other.
   * Work that waits for the machine (files, sockets, timers of its own) is not waited for: let effects of a test answer
   * at once, or by this clock.
   * @throws WeirError `WEIR_CLOCK_RESTLESS` when the work never comes to rest, `WEIR_DURATION_INVALID`
   */
  advance(duration: Duration): Promise<void>;
  /** Timers that have neither fired nor been cancelled. */
  pending(): number;
  /** Milliseconds until the next timer comes due; undefined when there is none. */
  untilNext(): number | undefined;
}

interface VirtualTimer extends Timer {
  readonly dueAt: number;
  readonly fire: () => void;
}

/** Macrotasks without any `soon` in a row after which nothing is ready; a turn takes two of them from phase to handler. */
const quietRounds = 8;
/** A system that is still busy after so many macrotasks at one moment of virtual time is in a loop. */
const longestDrain = 1_000_000;

export function virtualClock({ start = Date.UTC(2026, 0, 1) }: VirtualClockSettings = {}): VirtualClock {
  /** Sorted by due time, then by creation. */
  const timers: VirtualTimer[] = [];
  let elapsed = 0;
  let ready = 0;
  let advancing: Promise<void> = Promise.resolve();

  const drain = async (): Promise<void> => {
    let quiet = 0;
    for (let round = 0; quiet < quietRounds; round += 1) {
      if (round > longestDrain) throw new WeirError('WEIR_CLOCK_RESTLESS', { rounds: longestDrain });
      await new Promise<void>((resolve) => void setImmediate(resolve));
      quiet = ready === 0 ? quiet + 1 : 0;
    }
  };

  const moveTo = async (target: number): Promise<void> => {
    await drain();
    for (let next = timers[0]; next !== undefined && next.dueAt <= target; next = timers[0]) {
      timers.shift();
      elapsed = Math.max(elapsed, next.dueAt);
      next.fire();
      await drain();
    }
    elapsed = Math.max(elapsed, target);
  };

  return {
    // The wall clock of a machine knows whole milliseconds, though timers may stand between two.
    now: () => start + Math.floor(elapsed),
    monotonic: () => elapsed,
    after(delayMs, fire) {
      const timer: VirtualTimer = {
        dueAt: elapsed + Math.max(0, delayMs),
        fire,
        cancel: () => {
          const at = timers.indexOf(timer);
          if (at >= 0) timers.splice(at, 1);
        },
      };
      timers.splice(placeOf(timer.dueAt, timers), 0, timer);
      return timer;
    },
    soon(run) {
      ready += 1;
      setImmediate(() => {
        ready -= 1;
        run();
      });
    },
    advance(duration) {
      const by = toMs(duration);
      const moved = advancing.then(() => moveTo(elapsed + by));
      // Whoever called sees the failure of a move; the next move starts all the same.
      advancing = moved.catch(() => undefined);
      return moved;
    },
    pending: () => timers.length,
    untilNext: () => {
      const [next] = timers;
      return next === undefined ? undefined : Math.max(0, next.dueAt - elapsed);
    },
  };
}

/** Index of the first timer that is due later, so that timers of one moment fire in the order of their creation. */
function placeOf(dueAt: number, timers: readonly VirtualTimer[]): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const timer = timers[middle];
    if (timer !== undefined && timer.dueAt <= dueAt) low = middle + 1;
    else high = middle;
  }
  return low;
}

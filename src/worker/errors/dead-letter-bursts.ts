/** Messages that nobody takes, when there are many at a time: a few of them are what every stop leaves behind. */
import type { DeadLetter } from '../../actors/kernel/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';

const letters = 100;
const withinMs = 10_000;

/** Takes dead letters one by one, and reports each time that so many have come within the time. */
export function deadLetterBursts(clock: Clock, report: (error: WeirError) => void): (letter: DeadLetter) => void {
  let count = 0;
  let began = Number.NEGATIVE_INFINITY;
  return ({ path, reason }) => {
    const now = clock.monotonic();
    if (now - began >= withinMs) {
      began = now;
      count = 0;
    }
    count += 1;
    if (count < letters) return;
    count = 0;
    report(new WeirError('WEIR_DEAD_LETTERS', { letters, withinS: withinMs / 1_000, path, reason }));
  };
}

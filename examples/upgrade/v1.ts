/** Orders and reminders as they were first deployed. `v2.ts` takes their place while a thousand of them are under way. */
import { flow } from 'weir';
import { z } from 'zod';

const order = z.object({ item: z.string() });

/** Reserves, waits to be paid, ships. */
export const orders = flow('order', {
  version: 1,
  states: { start: order, ship: order.extend({ place: z.string() }) },
  result: z.object({ item: z.string(), place: z.string() }),
  signals: { paid: z.null(), sent: z.null() },
  stages: {
    *start({ item }, { step, signal, become }) {
      const place = yield* step('reserve', () => `shelf of ${item}`);
      yield* signal(['paid']);
      return become('ship', { item, place });
    },
    *ship({ item, place }, { signal }) {
      yield* signal(['sent']);
      return { item, place };
    },
  },
});

/** Writes, and writes once more unless there is an answer. */
export const reminders = flow('reminder', {
  version: 1,
  states: { start: z.object({ to: z.string() }) },
  result: z.object({ letters: z.int() }),
  signals: { answered: z.null() },
  stages: {
    *start({ to }, { step, signal }) {
      yield* step('write', () => `Dear ${to}`);
      const word = yield* signal(['answered'], { within: '14 days' });
      if (word.type === 'answered') return { letters: 1 };
      yield* step('write again', () => `Dear ${to}, once more`);
      return { letters: 2 };
    },
  },
});

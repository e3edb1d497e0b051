/** The second version without a word about the first one: `weir flow compat` finds it before it is deployed. */
import { flow } from 'weir';
import { z } from 'zod';

export { reminders } from './v2.ts';

const order = z.object({ item: z.string() });

export const orders = flow('order', {
  version: 2,
  states: { start: order, ship: order.extend({ place: z.string() }) },
  result: z.object({ item: z.string(), place: z.string() }),
  signals: { paid: z.null(), sent: z.null() },
  stages: {
    *start({ item }, { step, signal, become, failed }) {
      const risk = yield* step('rate the risk', () => item.length / 100);
      if (risk > 0.5) return failed('too risky', { item });
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

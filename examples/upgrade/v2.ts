/**
 * The second version. Orders ask for the risk first and ship with a carrier: what is in the middle of a stage ends that stage
 * on the first version, and its state is lifted where the next one begins. Reminders only end in another way than before,
 * so those that wait for an answer go on in the middle.
 */
import { flow } from 'weir';
import { z } from 'zod';
import { orders as ordersV1 } from './v1.ts';

const order = z.object({ item: z.string() });
const shipment = order.extend({ place: z.string(), carrier: z.string() });

export const orders = flow('order', {
  version: 2,
  states: { start: order, ship: shipment },
  result: shipment.partial({ carrier: true }),
  signals: { paid: z.null(), sent: z.null() },
  previous: [ordersV1],
  migrate: (_from, stage, state) =>
    stage === 'ship'
      ? { stage, state: { ...shipment.omit({ carrier: true }).parse(state), carrier: 'post' } }
      : { stage: 'start', state: order.parse(state) },
  stages: {
    *start({ item }, { step, signal, become, failed }) {
      const risk = yield* step('rate the risk', () => item.length / 100);
      if (risk > 0.5) return failed('too risky', { item });
      const place = yield* step('reserve', () => `shelf of ${item}`);
      yield* signal(['paid']);
      return become('ship', { item, place, carrier: 'courier' });
    },
    *ship({ item, place, carrier }, { step, signal }) {
      yield* step('call the carrier', () => carrier);
      yield* signal(['sent']);
      return { item, place, carrier };
    },
  },
});

export const reminders = flow('reminder', {
  version: 2,
  states: { start: z.object({ to: z.string() }) },
  result: z.object({ letters: z.int() }),
  signals: { answered: z.null() },
  stages: {
    *start({ to }, { step, signal }) {
      yield* step('write', () => `Dear ${to},`);
      const word = yield* signal(['answered'], { within: '14 days' });
      if (word.type === 'answered') yield* step('thank', () => `Thank you, ${to}`);
      else yield* step('write again', () => `Dear ${to}, once more`);
      return { letters: 2 };
    },
  },
});

/** Two small flows to try a node with: a greeting, and a purchase that buyer and seller agree on over a session. */
import { flow, protocol } from 'weir';
import { z } from 'zod';

/** `weir flow start ACME greet --input '{"name": "Ada"}' --wait 10s` */
export const greet = flow('greet', {
  version: 1,
  states: { start: z.strictObject({ name: z.string().min(1) }) },
  result: z.object({ greeting: z.string() }),
  stages: {
    *start({ name }, { step, member }) {
      const greeting = yield* step('write', () => `Hello ${name}, says ${member.name}.`);
      return { greeting };
    },
  },
});

const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.strictObject({ item: z.string(), price: z.bigint() }) },
  responder: { agree: z.strictObject({ delivery: z.string() }), decline: z.strictObject({ why: z.string() }) },
});

/** `weir flow start ACME buy --input '{"seller": "SELLER", "item": "a chair", "price": 90}' --wait 10s` */
export const buy = flow('buy', {
  version: 1,
  states: {
    // JSON has no bigint, so the price may come as text or number, too; the flow gets a bigint.
    start: z.strictObject({ seller: z.string(), item: z.string(), price: z.coerce.bigint<bigint | string | number>() }),
  },
  result: z.object({ item: z.string(), delivery: z.string() }),
  stages: {
    *start({ seller: name, item, price }, { session, failed }) {
      const seller = yield* session(name, trade);
      yield* seller.send('offer', { item, price });
      const answer = yield* seller.receive({ within: '2 days' });
      if (answer.type !== 'agree') return failed('declined', answer);
      return { item, delivery: answer.body.delivery };
    },
  },
});

/** Answers `trade`: agrees from a price of 50 on. */
export const sell = flow('sell', {
  version: 1,
  responds: trade,
  states: { start: z.looseObject({}) },
  stages: {
    *start(_from, { initiator }) {
      const offer = yield* initiator.receive();
      if (offer.body.price >= 50n) yield* initiator.send('agree', { delivery: 'on Friday' });
      else yield* initiator.send('decline', { why: 'the price is too low' });
    },
  },
});

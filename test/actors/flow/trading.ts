/** Flows of two members over a session, with steps, a sleep, stages and a persistent actor: what the tests run. */
import { z } from 'zod';
import { ApplicationError, type Duration, flow, persistentActor, protocol } from '../../../src/index.ts';

export const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.object({ item: z.string(), price: z.bigint() }), thanks: z.object({ at: z.date() }) },
  responder: { agree: z.object({ reference: z.string() }), decline: z.object({ why: z.string() }) },
});

export const account = persistentActor('account', {
  version: 1,
  state: z.object({ balance: z.bigint(), movements: z.number() }),
  initial: () => ({ balance: 0n, movements: 0 }),
  messages: {
    credit: { body: z.bigint(), reply: z.bigint() },
    debit: { body: z.bigint(), reply: z.bigint() },
    read: { body: z.null(), reply: z.object({ balance: z.bigint(), movements: z.number() }) },
  },
  on: {
    credit: ({ balance, movements }, amount) => ({
      state: { balance: balance + amount, movements: movements + 1 },
      reply: balance + amount,
    }),
    debit: ({ balance, movements }, amount) => {
      if (balance < amount) throw new ApplicationError('INSUFFICIENT', 'not enough money', { balance });
      return { state: { balance: balance - amount, movements: movements + 1 }, reply: balance - amount };
    },
    read: (state) => ({ reply: state }),
  },
});

/** What the flows did outside, as a test sees it: step ids with the number of times each body ran. */
export interface Effects {
  readonly bodies: Map<string, number>;
}

/** `rest` is how long a buyer sleeps between paying and booking. */
export function tradingFlows(effects: Effects = { bodies: new Map() }, rest: Duration = '1 hour') {
  const note = (id: string): void => void effects.bodies.set(id, (effects.bodies.get(id) ?? 0) + 1);

  const buy = flow('buy', {
    version: 1,
    result: z.object({ reference: z.string(), spent: z.bigint(), quotedAt: z.date() }),
    states: {
      start: z.object({ seller: z.string(), item: z.string(), price: z.bigint() }),
      settle: z.object({ reference: z.string(), price: z.bigint(), quotedAt: z.date(), seller: z.string() }),
    },
    stages: {
      *start({ seller, item, price }, { step, session, become, failed, now }) {
        const quotedAt = yield* now();
        const quoted = yield* step('quote', async ({ id }) => {
          note(id);
          await new Promise<void>((resolve) => void setImmediate(resolve));
          return price;
        });
        const conversation = yield* session(seller, trade);
        yield* conversation.send('offer', { item, price: quoted });
        const answer = yield* conversation.receive({ within: '2 days' });
        if (answer.type !== 'agree') return failed('not-agreed', answer);
        return become('settle', { reference: answer.body.reference, price: quoted, quotedAt, seller });
      },
      *settle({ reference, price, quotedAt, seller }, { actor, session, sleep, step }) {
        yield* actor(account, 'cash').ask('credit', price);
        yield* sleep(rest);
        yield* step('book', ({ id }) => note(id));
        const conversation = yield* session(seller, trade);
        yield* conversation.send('thanks', { at: quotedAt });
        return { reference, spent: price, quotedAt };
      },
    },
  });

  const sell = flow('sell', {
    version: 1,
    responds: trade,
    result: z.string(),
    states: { start: z.object({ from: z.object({ name: z.string(), group: z.string() }) }) },
    stages: {
      *start({ from }, { initiator, step, actor, uuid }) {
        const offer = yield* initiator.receive();
        if (offer.type !== 'offer') throw new ApplicationError('UNEXPECTED', offer.type);
        const reference = yield* step('reserve', ({ id }) => {
          note(id);
          return `${from.name}-${uuid()}`;
        });
        if (offer.body.price > 1_000n) {
          yield* initiator.send('decline', { why: 'too dear' });
          return 'declined';
        }
        yield* actor(account, 'sales').ask('credit', offer.body.price);
        yield* initiator.send('agree', { reference });
        const thanks = yield* initiator.receive({ within: '3 days' });
        return thanks.type;
      },
    },
  });

  return { buy, sell, effects };
}

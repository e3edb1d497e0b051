import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { flow, persistentActor, protocol, type TimedOut } from '../../../src/index.ts';
import type { Node } from '../../../src/worker/index.ts';

const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.object({ price: z.bigint() }) },
  responder: { agree: z.object({ reference: z.string() }), decline: z.string() },
});

const account = persistentActor('account', {
  version: 1,
  state: z.bigint(),
  initial: () => 0n,
  messages: { credit: { body: z.bigint(), reply: z.bigint() }, note: { body: z.string() } },
  on: { credit: (balance, amount) => ({ state: balance + amount, reply: balance }), note: () => ({}) },
});

const buy = flow('buy', {
  version: 1,
  result: z.object({ spent: z.bigint() }),
  states: { start: z.object({ seller: z.string() }), settle: z.object({ price: z.bigint() }) },
  stages: {
    *start({ seller }, { session, become, failed, actor, step }) {
      expectTypeOf(seller).toEqualTypeOf<string>();
      const peer = yield* session(seller, trade);
      yield* peer.send('offer', { price: 1n });
      // @ts-expect-error: a message of the other side
      yield* peer.send('agree', { reference: 'x' });
      // @ts-expect-error: a body that does not fit
      yield* peer.send('offer', { price: 1 });
      const answer = yield* peer.receive();
      // @ts-expect-error: without a deadline nothing times out
      if (answer.type === 'timedOut') return failed('late');
      const late = yield* peer.receive({ within: '1 day' });
      if (late.type === 'timedOut') return failed('late');
      if (late.type === 'decline') expectTypeOf(late.body).toEqualTypeOf<string>();
      // @ts-expect-error: not a duration
      yield* peer.receive({ within: new Date() });
      const asked = yield* peer.sendAndReceive('offer', { price: 1n });
      expectTypeOf(asked).toEqualTypeOf<typeof answer>();
      const askedInTime = yield* peer.sendAndReceive('offer', { price: 1n }, { within: '1 day' });
      expectTypeOf(askedInTime).toEqualTypeOf<typeof late | TimedOut>();
      // @ts-expect-error: a body that does not fit
      yield* peer.sendAndReceive('offer', { price: 1 });
      const balance = yield* actor(account, 'k').ask('credit', 5n);
      expectTypeOf(balance).toEqualTypeOf<bigint>();
      // @ts-expect-error: no such message
      yield* actor(account, 'k').ask('debit', 5n);
      // @ts-expect-error: the body is a bigint
      yield* actor(account, 'k').tell('credit', 'five');
      const stepped = yield* step('n', async () => ({ n: 1 }));
      expectTypeOf(stepped).toEqualTypeOf<{ n: number }>();
      // @ts-expect-error: there is no such stage
      if (stepped.n > 1) return become('settled', { price: 1n });
      // @ts-expect-error: the state of the stage is another one
      if (stepped.n > 2) return become('settle', { price: 'x' });
      return become('settle', { price: 1n });
    },
    // biome-ignore lint/correctness/useYield: only its types are looked at
    *settle({ price }, { initiator }) {
      expectTypeOf(price).toEqualTypeOf<bigint>();
      expectTypeOf(initiator).toEqualTypeOf<undefined>();
      return { spent: price };
    },
  },
});

describe('types of flows', () => {
  it('AK14 a wrong input does not compile, and the result has the type of its schema', () => {
    const use = async (node: Node): Promise<void> => {
      const handle = await node.start('A', buy, { seller: 'B' });
      expectTypeOf(await handle.result()).toEqualTypeOf<{ spent: bigint }>();
      // @ts-expect-error: an input that does not fit
      await node.start('A', buy, { seller: 5 });
      // @ts-expect-error: no input at all
      await node.start('A', buy);
      expectTypeOf(await node.ask('A', account, 'k', 'credit', 1n)).toEqualTypeOf<bigint>();
      // @ts-expect-error: a body that does not fit
      await node.ask('A', account, 'k', 'credit', 1);
    };
    expectTypeOf(use).toBeFunction();
  });

  it('AK14 a wrong result does not compile', () => {
    const wrong = (): unknown =>
      flow('wrong', {
        version: 1,
        result: z.object({ spent: z.bigint() }),
        states: { start: z.null() },
        stages: {
          // @ts-expect-error: the result is not what the schema says
          // biome-ignore lint/correctness/useYield: only its types are looked at
          *start() {
            return { spent: 5 };
          },
        },
      });
    expectTypeOf(wrong).toBeFunction();
  });

  it('AK14 a stage without state, and a state without stage, do not compile', () => {
    const wrong = (): unknown =>
      flow('wrong', {
        version: 1,
        states: { start: z.null(), later: z.null() },
        // @ts-expect-error: the stage "later" is missing
        stages: { *start() {} },
      });
    expectTypeOf(wrong).toBeFunction();
  });

  it('AK14 a flow that answers has the session of the other side', () => {
    flow('sell', {
      version: 1,
      responds: trade,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator }) {
          const { type, body } = yield* initiator.receive();
          expectTypeOf(type).toEqualTypeOf<'offer'>();
          expectTypeOf(body).toEqualTypeOf<{ price: bigint }>();
          yield* initiator.send('decline', 'no');
          // @ts-expect-error: only the initiator makes offers
          yield* initiator.send('offer', { price: 1n });
        },
      },
    });
  });

  it('FE15 AK14 what migrate gives fits the stage that it names, and a former result fits the new one', () => {
    const states = { start: z.object({ seller: z.string() }), pay: z.object({ price: z.bigint() }) };
    const stages = { *start() {}, *pay() {} };
    const former = flow('buy', { version: 1, states, stages });
    const giving = flow('buy', {
      version: 1,
      result: z.string(),
      states: { start: z.null() },
      stages: {
        // biome-ignore lint/correctness/useYield: only its types are looked at
        *start() {
          return 'bought';
        },
      },
    });
    const use = (): unknown => [
      flow('buy', { version: 2, states, stages, previous: [former], migrate: () => ({ state: { seller: 'B' } }) }),
      flow('buy', { version: 2, states, stages, migrate: () => ({ stage: 'pay', state: { price: 1n } }) }),
      // @ts-expect-error: there is no such stage
      flow('buy', { version: 2, states, stages, migrate: () => ({ stage: 'paid', state: { price: 1n } }) }),
      // @ts-expect-error: the state of the stage is another one
      flow('buy', { version: 2, states, stages, migrate: () => ({ stage: 'pay', state: { seller: 'B' } }) }),
      // @ts-expect-error: a former version could still give its result
      flow('buy', { version: 2, states, stages, previous: [giving] }),
    ];
    expectTypeOf(use).toBeFunction();
  });

  it('AK14 a handler of an actor that replies with the wrong thing does not compile', () => {
    const wrong = (): unknown =>
      persistentActor('wrong', {
        version: 1,
        state: z.number(),
        initial: () => 0,
        messages: { get: { body: z.null(), reply: z.number() } },
        // @ts-expect-error: the reply is a number
        on: { get: () => ({ reply: 'x' }) },
      });
    expectTypeOf(wrong).toBeFunction();
  });
});

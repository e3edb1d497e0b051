/** Types of what runs beside each other, of words from outside and of parts of flows: held by the compiler, never run. */
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  flow,
  type ProgressReport,
  protocol,
  type Received,
  type ReceivedFrom,
  subflow,
  type Task,
  type TimedOut,
} from '../../../src/index.ts';
import type { Node } from '../../../src/worker/index.ts';

const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.object({ price: z.bigint() }) },
  responder: { agree: z.object({ reference: z.string() }), decline: z.string() },
});
const chat = protocol('chat', {
  version: 1,
  initiator: { say: z.string() },
  responder: { hear: z.number() },
});

const settle = subflow('settle', function* (order: { readonly price: bigint }, { step, session }) {
  const seller = yield* session('S', trade);
  yield* seller.send('offer', order);
  return yield* step('pay', () => `paid ${order.price}`);
});

const nothing = flow('nothing', { version: 1, states: { start: z.null() }, stages: { *start() {} } });

const states = { start: z.object({ who: z.string() }), wait: z.object({ days: z.int() }) };
const signals = { decide: z.object({ yes: z.boolean() }), extend: z.number() };

const leave = flow('leave', {
  version: 1,
  states,
  signals,
  queries: {
    place({ stage, state, progress }, input) {
      expectTypeOf(stage).toEqualTypeOf<'start' | 'wait'>();
      expectTypeOf(progress).toEqualTypeOf<readonly ProgressReport[]>();
      // What an asker gives is checked by nobody yet.
      expectTypeOf(input).toEqualTypeOf<unknown>();
      // @ts-expect-error: only the state of one stage has days
      const days: number = state.days;
      return days;
    },
  },
  stages: {
    *start({ who }, { all, race, spawn, step, sleep, become }) {
      // all
      const [one, two] = yield* all([step('n', () => 1), step('text', async () => who)]);
      expectTypeOf(one).toEqualTypeOf<number>();
      expectTypeOf(two).toEqualTypeOf<string>();
      const named = yield* all({ price: step('price', () => 5n), rest: sleep('1 s') }, { concurrency: 1 });
      expectTypeOf(named.price).toEqualTypeOf<bigint>();
      expectTypeOf(named.rest).toEqualTypeOf<void>();
      const many = yield* all([1, 2].map((n) => step(`n ${n}`, () => n)));
      expectTypeOf(many).toExtend<readonly number[]>();
      // @ts-expect-error: there is no third branch
      one satisfies (typeof named)['third'];
      // @ts-expect-error: a promise is no operation: what awaits belongs into a step
      yield* all([Promise.resolve(1)]);
      // @ts-expect-error: a function is no operation: call it
      yield* all([() => step('n', () => 1)]);
      // @ts-expect-error: concurrency is a number
      yield* all([step('n', () => 1)], { concurrency: 'two' });

      // race
      const first = yield* race([step('n', () => 1), step('text', () => 'x')]);
      expectTypeOf(first).toEqualTypeOf<number | string>();
      const winner = yield* race({ price: step('price', () => 5n), late: sleep('1 s') });
      if (winner.type === 'price') expectTypeOf(winner.value).toEqualTypeOf<bigint>();
      else expectTypeOf(winner.value).toEqualTypeOf<void>();
      // @ts-expect-error: no branch has this name
      if (winner.type === 'early') return become('wait', { days: 1 });

      // spawn
      const task = yield* spawn(step('n', () => 1));
      expectTypeOf(task).toEqualTypeOf<Task<number>>();
      expectTypeOf(yield* task.join()).toEqualTypeOf<number>();
      expectTypeOf(yield* task.cancel()).toEqualTypeOf<void>();
      // @ts-expect-error: a task begins one operation
      yield* spawn([step('n', () => 1)]);
      // @ts-expect-error: forgotten "yield*": an operation is not its task
      spawn(step('n', () => 1)).join();
      return become('wait', { days: one });
    },

    *wait({ days }, { signal, progress, session, receiveAny, sendAll, subflow: run, step }) {
      // signals
      const any = yield* signal();
      expectTypeOf(any).toEqualTypeOf<Received<typeof signals>>();
      const word = yield* signal(['decide', 'extend'], { within: '1 day' });
      if (word.type === 'decide') expectTypeOf(word.body).toEqualTypeOf<{ yes: boolean }>();
      else if (word.type === 'extend') expectTypeOf(word.body).toEqualTypeOf<number>();
      else expectTypeOf(word).toEqualTypeOf<TimedOut>();
      const decided = yield* signal('decide');
      expectTypeOf(decided.body.yes).toEqualTypeOf<boolean>();
      // @ts-expect-error: the flow declares no such signal
      yield* signal('decline');
      // @ts-expect-error: without a deadline nothing times out
      if (decided.type === 'timedOut') return;
      // @ts-expect-error: not a duration
      yield* signal(['decide'], { within: true });

      // progress
      expectTypeOf(yield* progress(`${days} days`, { days })).toEqualTypeOf<void>();
      // @ts-expect-error: a report is a text
      yield* progress({ days });

      // receiveAny, sendAll
      const seller = yield* session('S', trade);
      const friend = yield* session('F', chat);
      const heard = yield* receiveAny([seller, friend]);
      expectTypeOf(heard).toEqualTypeOf<ReceivedFrom<typeof seller> | ReceivedFrom<typeof friend>>();
      if (heard.type === 'agree') expectTypeOf(heard.body).toEqualTypeOf<{ reference: string }>();
      if (heard.type === 'hear') {
        expectTypeOf(heard.body).toEqualTypeOf<number>();
        yield* heard.session.send('say', 'again');
        // @ts-expect-error: that is what the other protocol says
        yield* heard.session.send('offer', { price: 1n });
      }
      // @ts-expect-error: neither protocol has this message
      if (heard.type === 'refuse') return;
      const inTime = yield* receiveAny([seller], { within: '1 day' });
      if (inTime.type !== 'timedOut') expectTypeOf(inTime.session).toEqualTypeOf(seller);
      // @ts-expect-error: the flow itself is no session
      yield* receiveAny([step]);
      yield* sendAll([seller, seller], 'offer', { price: 1n });
      // @ts-expect-error: a body that does not fit
      yield* sendAll([seller, seller], 'offer', { price: 1 });
      // @ts-expect-error: the sessions send no such message
      yield* sendAll([seller, seller], 'agree', { reference: 'x' });

      // subflow
      expectTypeOf(yield* run(settle, { price: 5n })).toEqualTypeOf<string>();
      // @ts-expect-error: an input that does not fit
      yield* run(settle, { price: 5 });
      // @ts-expect-error: a flow is no subflow
      yield* run(nothing, null);
    },
  },
});

describe('types of flow code', () => {
  it('AK14 FE19 all, race, spawn and receiveAny give what their branches and sessions give', () => {
    expectTypeOf(leave.signals).toEqualTypeOf<typeof signals>();
  });

  it('AK14 FE14 a subflow can neither end nor move on the flow that it is a part of', () => {
    const wrong = (): unknown =>
      // @ts-expect-error: only a stage can become another one
      subflow('wrong', function* (_input: null, { become, step }) {
        yield* step('n', () => become);
      });
    expectTypeOf(wrong).toBeFunction();
    // @ts-expect-error: the code of a subflow is a generator: "function*"
    expectTypeOf(() => subflow('wrong', async () => 1)).toBeFunction();
  });

  it('AK14 FE16 clients give signals that the flow declares, with bodies that fit, and read its reports', () => {
    const use = async (node: Node): Promise<void> => {
      const name = { flowId: 'f' };
      await node.signal(leave, name, 'decide', { yes: true });
      // @ts-expect-error: the flow declares no such signal
      await node.signal(leave, name, 'decline', { yes: true });
      // @ts-expect-error: a body that does not fit
      await node.signal(leave, name, 'decide', { yes: 'so' });
      expectTypeOf(await node.query(name, 'place')).toEqualTypeOf<unknown>();
      expectTypeOf((await node.get(name)).progress).toExtend<readonly ProgressReport[] | undefined>();
    };
    expectTypeOf(use).toBeFunction();
  });
});

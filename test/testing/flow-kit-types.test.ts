/** What the compiler refuses in a test of a flow: each `@ts-expect-error` fails the type check if it does not. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { flow, persistentActor, protocol } from '../../src/index.ts';
import { given, persistentActorKit } from '../../src/testing/index.ts';

const talk = protocol('talk', { version: 1, initiator: { ask: z.bigint() }, responder: { answer: z.date() } });
const shelf = persistentActor('shelf', {
  version: 1,
  state: z.int(),
  initial: () => 0,
  messages: { take: { body: z.int(), reply: z.string() }, put: { body: z.int() } },
  on: { take: () => ({ reply: '' }), put: () => ({}) },
});
const buy = flow('buy', {
  version: 1,
  states: { start: z.object({ item: z.string() }) },
  result: z.object({ price: z.bigint() }),
  stages: {
    *start(_input, { now }) {
      yield* now();
      return { price: 1n };
    },
  },
});

it('TK2 knows the types of input, messages, replies and result', () => {
  const scenario = given(buy).input({ item: 'chair' });
  const refused = [
    // @ts-expect-error the input has an item
    () => given(buy).input({ thing: 'chair' }),
    // @ts-expect-error what the flow receives is not what the peer does
    () => scenario.session('S', talk).receives('answer'),
    // @ts-expect-error the body is a bigint
    () => scenario.session('S', talk).receives('ask', 1),
    // @ts-expect-error the answer is a date
    () => scenario.session('S', talk).replies('answer', 'today'),
    // @ts-expect-error whoever opens the session asks
    () => scenario.openedBy('S', talk).sends('answer', new Date(0)),
    // @ts-expect-error there is no such message
    () => scenario.actor(shelf, 'chair').asked('give'),
    // @ts-expect-error the reply is text
    () => scenario.actor(shelf, 'chair').asked('take', 1).answers(1),
    // @ts-expect-error the price is a bigint
    () => scenario.then.completed({ price: 1 }),
    // @ts-expect-error the reply is text
    () => persistentActorKit(shelf).given(3).when('take', 1).then({ reply: 1 }),
  ];
  expect(refused).toHaveLength(9);
});

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ApplicationError,
  type FlowContext,
  flow,
  type Operation,
  persistentActor,
  protocol,
} from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { factsOf } from './wire.ts';

const huge = 'x'.repeat(3_000_000);
const talk = protocol('talk', { version: 1, initiator: { say: z.string() }, responder: { reply: z.string() } });

const store = persistentActor('store', {
  version: 1,
  state: z.string(),
  initial: () => '',
  messages: {
    keep: { body: z.number() },
    fetch: { body: z.number(), reply: z.string() },
    refuse: { body: z.number() },
    size: { body: z.null(), reply: z.number() },
  },
  on: {
    keep: (_state, bytes) => ({ state: 'x'.repeat(bytes) }),
    fetch: (_state, bytes) => ({ reply: 'x'.repeat(bytes) }),
    refuse: (_state, bytes) => {
      throw new ApplicationError('REFUSED', 'x'.repeat(bytes), 'x'.repeat(bytes));
    },
    size: (state) => ({ reply: state.length }),
  },
});

const listener = flow('listener', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { initiator }) {
      yield* initiator.receive();
    },
  },
});

type Script = (context: FlowContext) => Operation<unknown>;

let kit: TestNode;
afterEach(() => kit.stop());

/** Runs a script in a flow of its own, with a neighbour in the same shard. */
async function run(script: Script) {
  const scripted = flow('scripted', {
    version: 1,
    states: { start: z.unknown(), next: z.unknown() },
    result: z.unknown(),
    stages: { start: (_input, context) => script(context), *next() {} },
  });
  const neighbour = flow('neighbour', {
    version: 1,
    result: z.string(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { step, sleep }) {
        yield* sleep('1 min');
        return yield* step('say', () => 'fine');
      },
    },
  });
  kit = await testNode({
    members: { A: { flows: [scripted, neighbour, listener], actors: [store] } },
    shards: 1,
  });
  const node = kit.node();
  const beside = await node.start('A', neighbour, null);
  const handle = await node.start('A', scripted, null);
  await kit.advance('1 hour');
  // Whatever became of the flow: its shard and its neighbour know nothing of it, now and after a restart.
  expect(await beside.result()).toBe('fine');
  expect(factsOf(node)).toMatchObject({ phase: 'running' });
  expect(node.status().shards[0]?.restarts).toBe(0);
  const before = await handle.view();
  kit.crash();
  await kit.restart();
  await kit.advance('1 hour');
  const view = await kit.node().get({ flowId: handle.flowId });
  expect([view.status, view.error]).toEqual([before.status, before.error]);
  return view;
}

describe('sizes', () => {
  it.each<[string, Script]>([
    [
      'the result of a step',
      function* ({ step }) {
        return (yield* step('big', () => huge)).length;
      },
    ],
    [
      'a result',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* () {
        return huge;
      },
    ],
    [
      'a state',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* ({ become }) {
        return become('next', huge);
      },
    ],
    [
      'the name of a step',
      function* ({ step }) {
        yield* step(huge, () => 1);
      },
    ],
    [
      'the key of an actor',
      function* ({ actor }) {
        yield* actor(store, huge).ask('size', null);
      },
    ],
    [
      'the name of a session',
      function* ({ session }) {
        yield* session('A', talk, { name: huge });
      },
    ],
    [
      'the name of a peer',
      function* ({ session }) {
        yield* session(huge, talk);
      },
    ],
    [
      'the number of operations of a stage',
      function* ({ now }) {
        for (let i = 0; i < 200_000; i++) yield* now();
      },
    ],
  ])('W7 %s that is too large makes its flow STUCK and says so', async (_what, script) => {
    const view = await run(script);
    expect([view.status, view.error?.code]).toEqual(['STUCK', expect.stringMatching(/^WEIR_FLOW_TOO_L(ARGE|ONG)$/)]);
  });

  it.each<[string, string, Script]>([
    [
      'a message to a peer',
      'WEIR_FLOW_TOO_LARGE',
      function* ({ session }) {
        const peer = yield* session('A', talk);
        yield* peer.send('say', huge);
      },
    ],
    [
      'a message to an actor',
      'WEIR_FLOW_TOO_LARGE',
      function* ({ actor }) {
        const echo = persistentActor('store', {
          ...store,
          messages: { ...store.messages, size: { body: z.string(), reply: z.number() } },
          on: { ...store.on, size: () => ({ reply: 1 }) },
        });
        yield* actor(echo, 'k').ask('size', huge);
      },
    ],
    [
      'the number of sessions',
      'WEIR_FLOW_TOO_LARGE',
      function* ({ session }) {
        for (let i = 0; i < 20_000; i++) yield* session('A', talk, { name: String(i) });
      },
    ],
  ])('FE7 W7 %s that is too large is an error that the flow can catch', async (_what, code, script) => {
    const view = await run(function* (context) {
      try {
        yield* script(context);
      } catch (error) {
        return error instanceof ApplicationError ? error.code : String(error);
      }
      return 'nothing was thrown';
    });
    expect([view.status, view.result]).toEqual(['COMPLETED', code]);
  });

  it.each<[string, 'keep' | 'fetch', string]>([
    ['state', 'keep', 'WEIR_ACTOR_FAILED'],
    ['reply', 'fetch', 'WEIR_ACTOR_FAILED'],
  ])('W7 a too large %s of a persistent actor is refused and changes nothing', async (_what, type, code) => {
    const view = await run(function* ({ actor }) {
      const target = actor(store, 'k');
      yield* target.ask('keep', 5);
      try {
        yield* target.ask(type, 3_000_000);
      } catch (error) {
        return [error instanceof ApplicationError ? error.code : '', yield* target.ask('size', null)];
      }
      return 'nothing was thrown';
    });
    expect([view.status, view.result]).toEqual(['COMPLETED', [code, 5]]);
  });

  it.each<[string, Script]>([
    [
      'the reason of a failure',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* ({ failed }) {
        return failed('large', { huge });
      },
    ],
    [
      'the code of a failure',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* ({ failed }) {
        return failed(huge, 'x');
      },
    ],
    [
      'the details of an error of a step',
      function* ({ step }) {
        yield* step('fails', () => {
          throw new ApplicationError(huge, huge, { huge });
        });
      },
    ],
    [
      'the name of an error',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* () {
        throw Object.assign(new Error('x'), { name: huge, code: huge, stack: huge });
      },
    ],
    [
      'the details of a refusal of an actor',
      function* ({ actor }) {
        yield* actor(store, 'k').ask('refuse', 3_000_000);
      },
    ],
  ])('W7 %s that is too large is cut, and the flow fails all the same', async (_what, script) => {
    const view = await run(script);
    expect(view.status).toBe('FAILED');
  });

  it('W7 an input, a trace and a reason that are too large do no harm', async () => {
    const big = flow('big', {
      version: 1,
      states: { start: z.string() },
      stages: {
        *start(_input, { sleep }) {
          yield* sleep('1 hour');
        },
      },
    });
    kit = await testNode({ members: { A: { flows: [big], actors: [store] } }, shards: 1 });
    const node = kit.node();
    await expect(node.start('A', big, huge)).rejects.toMatchObject({ code: 'WEIR_FLOW_INPUT_INVALID' });
    const handle = await node.start('A', big, 'small', { trace: huge });
    expect(await node.ask('A', store, 'k', 'fetch', 3_000_000).catch((error: unknown) => error)).toMatchObject({
      code: 'WEIR_ACTOR_FAILED',
    });
    await node.kill({ flowId: handle.flowId }, huge);
    await kit.advance('1 min');
    expect((await handle.view()).status).toBe('KILLED');
    expect(node.status().shards[0]).toMatchObject({ phase: 'running', restarts: 0 });
  });

  it('WK17 large messages to an actor travel through the log as well', async () => {
    const sender = flow('sender', {
      version: 1,
      states: { start: z.number() },
      result: z.number(),
      stages: {
        *start(count, { actor }) {
          const target = actor(sink, 'k');
          for (let i = 0; i < count; i++) yield* target.tell('take', 'x'.repeat(300_000));
          return yield* target.ask('count', null);
        },
      },
    });
    const sink = persistentActor('sink', {
      version: 1,
      state: z.number(),
      initial: () => 0,
      messages: { take: { body: z.string() }, count: { body: z.null(), reply: z.number() } },
      on: { take: (count) => ({ state: count + 1 }), count: (count) => ({ reply: count }) },
    });
    kit = await testNode({ members: { A: { flows: [sender], actors: [sink] } }, shards: 2, forceLogRoute: true });
    const handle = await kit.node().start('A', sender, 40);
    await kit.advance('5 min');
    expect(await handle.view()).toMatchObject({ status: 'COMPLETED', result: 40 });
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, type Duration, flow, persistentActor, protocol } from '../../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';
import { counter, gate, nodeOf, scripted } from './scripts.ts';
import { account, tradingFlows } from './trading.ts';
import { factsOf } from './wire.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const member = { name: 'A', group: 'default' };

/** What the codec has to bring back: everything that flows may keep or send, nested. */
const precious = {
  date: new Date('2026-02-03T04:05:06.789Z'),
  map: new Map<unknown, unknown>([
    ['k', new Set([1, 'two', 3n])],
    [new Date(0), { deep: [new Map([[1, undefined]])] }],
  ]),
  set: new Set([new Uint8Array([1, 2]), null]),
  big: -(2n ** 200n),
  bytes: new Uint8Array([0, 255, 128]),
  nothing: undefined,
  list: [undefined, null, Number.NaN, -0, Number.POSITIVE_INFINITY, ''],
  text: 'zażółć \ud83d\ude00 \ud800',
  empty: { map: new Map(), set: new Set(), list: [], object: {}, bytes: new Uint8Array() },
};

describe('values', () => {
  it('round-trip through inputs, steps, states, messages, actors and results, also across restarts', async () => {
    const carry = protocol('carry', { version: 1, initiator: { take: z.any() }, responder: { back: z.any() } });
    const box = persistentActor('box', {
      version: 1,
      state: z.any(),
      initial: () => null,
      messages: { put: { body: z.any(), reply: z.any() }, get: { body: z.null(), reply: z.any() } },
      on: { put: (_state, value) => ({ state: value, reply: value }), get: (state) => ({ reply: state }) },
    });
    const seen: unknown[] = [];
    const sender = flow('sender', {
      version: 1,
      result: z.any(),
      states: { start: z.any(), later: z.any() },
      stages: {
        *start(value, { step, session, sleep, become }) {
          seen.push(value);
          const stepped = yield* step('value', () => value as unknown);
          yield* sleep('1 hour');
          const peer = yield* session('A', carry);
          yield* peer.send('take', stepped);
          const { body } = yield* peer.receive();
          return become('later', body);
        },
        *later(value, { actor, sleep }) {
          yield* sleep('1 hour');
          const put = yield* actor(box, 'k').ask('put', value);
          yield* sleep('1 hour');
          return { put, got: yield* actor(box, 'k').ask('get', null) };
        },
      },
    });
    const taker = flow('taker', {
      version: 1,
      responds: carry,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator, sleep }) {
          const { body } = yield* initiator.receive();
          yield* sleep('10 min');
          yield* initiator.send('back', body);
        },
      },
    });
    kit = await testNode({ members: { A: { flows: [sender, taker], actors: [box] } }, shards: 2 });
    const { flowId } = await kit.node().start('A', sender, precious);
    for (let i = 0; i < 12; i++) {
      await kit.advance('20 min');
      kit.crash();
      await kit.restart();
    }
    const { status, result } = await kit.node().get({ flowId });
    expect(status).toBe('COMPLETED');
    expect(result).toEqual({ put: precious, got: precious });
    const back = (result as { put: typeof precious }).put;
    expect(Object.is(back.list[3], -0)).toBe(true);
    expect('nothing' in back).toBe(true);
    for (const value of seen) expect(value).toEqual(precious);
    expect(await kit.node().ask('A', box, 'k', 'get', null)).toEqual(precious);
  });

  it.each<[string, unknown, string, string]>([
    ['a function', { a: [1, { f: () => 1 }] }, '$.a[1].f', 'a function'],
    ['an instance of a class', new Map([['k', new (class Money {})()]]), '$.get("k")', 'an instance of Money'],
    ['a promise', { p: Promise.resolve(1) }, '$.p', 'Promise'],
    ['an invalid date', [new Date(Number.NaN)], '$[0]', 'an invalid Date'],
    ['a symbol', { s: Symbol('x') }, '$.s', 'a symbol'],
  ])(
    '%s in the result of a step is refused with its path, where the developer sees it',
    async (_what, value, path, found) => {
      const wrong = scripted('wrong', function* ({ step }) {
        yield* step('make it', () => value);
      });
      kit = await nodeOf([wrong]);
      const handle = await kit.node().start('A', wrong, null);
      await kit.advance(0);
      const { status, error } = await handle.view();
      expect([status, error?.code]).toEqual(['STUCK', 'WEIR_VALUE_UNSUPPORTED']);
      expect(error?.message).toContain('step "make it"');
      expect(error?.message).toContain(path);
      expect(error?.message).toContain(found);
    },
  );

  it('FE7 what a peer cannot be sent is an error at the call, and the flow may go on', async () => {
    const say = protocol('say', { version: 1, initiator: { any: z.any() }, responder: {} });
    const quiet = flow('quiet', { version: 1, responds: say, states: { start: z.unknown() }, stages: { *start() {} } });
    const trying = scripted('trying', function* ({ session, actor }) {
      const errors: unknown[] = [];
      const peer = yield* session('A', say);
      try {
        yield* peer.send('any', { f: () => 1 });
      } catch (error) {
        errors.push(Reflect.get(Object(error), 'code'));
      }
      try {
        yield* actor(account, 'k').ask('credit', 'ten' as never);
      } catch (error) {
        errors.push(Reflect.get(Object(error), 'code'));
      }
      return errors;
    });
    kit = await testNode({ members: { A: { flows: [quiet, trying], actors: [account] } }, shards: 1 });
    const handle = await kit.node().start('A', trying, null);
    await kit.advance(0);
    expect((await handle.view()).result).toEqual(['WEIR_VALUE_UNSUPPORTED', 'WEIR_MESSAGE_INVALID']);
  });

  it('a value that a flow changes after it gave it away stays what it was', async () => {
    const states: unknown[] = [];
    const sly = scripted('sly', function* ({ step, sleep }) {
      const value = { list: [1] };
      const stepped = yield* step('value', () => value);
      value.list.push(2);
      stepped.list.push(3);
      states.push(structuredClone(stepped));
      yield* sleep('1 hour');
      return yield* step('again', () => value);
    });
    // Runs are counted here.
    kit = await nodeOf([sly], { replayCheck: false });
    await kit.node().start('A', sly, null);
    await kit.advance('1 min');
    kit.crash();
    await kit.restart();
    await kit.advance('2 hours');
    expect(states).toEqual([{ list: [1, 3] }, { list: [1, 3] }]);
  });
});

describe('waiting', () => {
  it.each([
    ['ends while the node runs', '30 min', '45 min'],
    ['ends while the node is down', '90 min', '0 s'],
  ] as const)('FE11 W6 a sleep survives restarts and %s', async (_when, down, after) => {
    const woke: number[] = [];
    const sleeper = scripted('sleeper', function* ({ sleep, step }) {
      yield* sleep('1 hour');
      yield* step('wake', () => woke.push(kit.clock.now()));
    });
    kit = await nodeOf([sleeper]);
    const began = kit.clock.now();
    const { flowId } = await kit.node().start('A', sleeper, null);
    await kit.advance('1 min');
    kit.crash();
    await kit.advance(down);
    await kit.restart();
    await kit.advance(0);
    await kit.advance(after);
    expect((await kit.node().get({ flowId })).status).toBe('COMPLETED');
    expect(woke.map((at) => Math.round((at - began) / 60_000))).toEqual([Math.max(60, 1 + Number.parseInt(down, 10))]);
  });

  const talk = protocol('talk', { version: 1, initiator: { say: z.string() }, responder: { reply: z.string() } });
  const late = flow('late', {
    version: 1,
    responds: talk,
    states: { start: z.unknown() },
    stages: {
      *start(_input, { initiator, sleep }) {
        const { body } = yield* initiator.receive();
        yield* sleep(Number(body) * 60_000);
        yield* initiator.send('reply', 'here');
      },
    },
  });
  const asking = scripted('asking', function* ({ session, now }, minutes) {
    const peer = yield* session('A', talk);
    yield* peer.send('say', String(minutes));
    const first = yield* peer.receive({ within: '1 hour' });
    const at = yield* now();
    return [first.type, first.type === 'timedOut' ? (yield* peer.receive()).type : '', at];
  });

  it.each<[string, number, string[], Duration]>([
    ['an answer in time', 30, ['reply', ''], '20 min'],
    ['no answer in time', 90, ['timedOut', 'reply'], '20 min'],
    ['a deadline while the node is down', 180, ['timedOut', 'reply'], '2 hours'],
  ])('FE11 a receive with a deadline survives restarts: %s', async (_what, minutes, expected, down) => {
    kit = await nodeOf([asking, late]);
    const { flowId } = await kit.node().start('A', asking, minutes);
    await kit.advance('1 min');
    kit.crash();
    await kit.advance(down);
    await kit.restart();
    for (let i = 0; i < 10; i++) {
      await kit.advance('30 min');
      kit.crash();
      await kit.restart();
    }
    const { result } = await kit.node().get({ flowId });
    expect((result as unknown[]).slice(0, 2)).toEqual(expected);
  });

  it('FE11 a sleep of many years is armed and survives', async () => {
    const long = scripted('long', function* ({ sleep }) {
      yield* sleep('20000 days');
      return 'awake';
    });
    kit = await nodeOf([long], { retention: '10 days' });
    const { flowId } = await kit.node().start('A', long, null);
    await kit.advance('19999 days');
    kit.crash();
    await kit.restart();
    await kit.advance('1 min');
    expect((await kit.node().get({ flowId })).status).toBe('RUNNING');
    await kit.advance('1 day');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'awake' });
  });
});

describe('effects', () => {
  it('FE20 FE3 asks and tells of a flow take effect once, at a crash of every commit in turn', async () => {
    for (let crashAt = 1; crashAt <= 12; crashAt++) {
      const moving = scripted('moving', function* ({ actor }) {
        const cash = actor(account, 'cash');
        yield* cash.tell('credit', 100n);
        const left = yield* cash.ask('debit', 30n);
        yield* cash.tell('credit', 1n);
        try {
          yield* cash.ask('debit', 1_000n);
        } catch (error) {
          return [
            left,
            error instanceof ApplicationError && error.code,
            error instanceof ApplicationError && error.details,
          ];
        }
        return 'nothing was thrown';
      });
      let commits = 0;
      kit = await testNode({
        members: { A: { flows: [moving], actors: [account] } },
        shards: 2,
        forceLogRoute: crashAt % 2 === 0,
        crashAt: (point) => point === (crashAt % 3 === 0 ? 'commit.before' : 'commit.after') && ++commits === crashAt,
      });
      for (let round = 0; round < 6; round++) {
        if (kit.isDown()) await kit.restart();
        const started = kit.node().start('A', moving, null, { clientRequestId: 'r' });
        await Promise.race([started.catch(() => undefined), kit.crashed()]);
        await kit.advance('10 s');
      }
      if (kit.isDown()) await kit.restart();
      const { result } = await kit.node().get({ member, clientRequestId: 'r' });
      expect(result).toEqual([70n, 'INSUFFICIENT', { balance: 71n }]);
      expect(await kit.node().ask('A', account, 'cash', 'read', null)).toEqual({ balance: 71n, movements: 3 });
      await kit.stop();
    }
  });

  it('FE20 W11 a handler that fails changes nothing, whatever it did to the state it was given', async () => {
    const rude = persistentActor('rude', {
      version: 1,
      state: z.object({ list: z.array(z.number()) }),
      initial: () => ({ list: [] }),
      messages: { add: { body: z.number(), reply: z.array(z.number()) } },
      on: {
        add: (state, n) => {
          state.list.push(n);
          if (n < 0) throw new TypeError('a defect');
          return { state, reply: state.list };
        },
      },
    });
    kit = await testNode({ members: { A: { actors: [rude] } }, shards: 1 });
    const add = (n: number) => kit.node().ask('A', rude, 'k', 'add', n);
    expect(await add(1)).toEqual([1]);
    await expect(add(-1)).rejects.toThrow(/a defect/);
    expect(await add(2)).toEqual([1, 2]);
    expect(kit.node().status().shards[0]?.restarts).toBe(0);
  });

  it('FE5 FE1 everything that is satisfied runs in one event, and becomes durable in one commit', async () => {
    const busy = scripted('busy', function* ({ now, sleep }) {
      for (let i = 0; i < 100; i++) {
        yield* now();
        yield* sleep(0);
      }
      yield* sleep('1 hour');
    });
    kit = await nodeOf([busy]);
    const before = factsOf(kit.node()).commits as number;
    await kit.node().start('A', busy, null);
    await kit.advance('1 min');
    expect((factsOf(kit.node()).commits as number) - before).toBe(1);
    kit.crash();
    await kit.restart();
    expect(
      await kit.node().describe({ member, clientRequestId: (await kit.node().list()).flows[0]?.clientRequestId ?? '' }),
    ).toMatchObject({
      operations: 201,
      waitingOn: { what: 'sleep' },
    });
  });

  it('W5 a flow that never rests lets its neighbours run', async () => {
    const restless = scripted('restless', function* ({ now, become }) {
      void become;
      for (let i = 0; i < 20_000; i++) yield* now();
      return 'rested';
    });
    const order: string[] = [];
    const short = scripted('short', function* ({ step }) {
      yield* step('run', () => order.push('short'));
    });
    kit = await nodeOf([restless, short]);
    const long = await kit.node().start('A', restless, null);
    await kit.node().start('A', short, null);
    void long.result().then(() => order.push('restless'));
    await kit.advance('1 min');
    expect(order).toEqual(['short', 'restless']);
  });
});

describe('memory', () => {
  async function trades(settings: Partial<TestNodeSettings>) {
    const { buy, sell, effects } = tradingFlows();
    kit = await testNode({
      members: { BUYER: { flows: [buy], actors: [account] }, SELLER: { flows: [sell], actors: [account] } },
      shards: 2,
      ...settings,
    });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        kit
          .node()
          .start(
            'BUYER',
            buy,
            { seller: 'SELLER', item: `${i}`, price: i % 5 === 0 ? 9_999n : 7n },
            { clientRequestId: `r${i}` },
          ),
      ),
    );
    await kit.advance('1 day');
    const { flows } = await kit.node().list({ flow: 'buy' });
    const results = flows.map(({ clientRequestId, status, result, error }) => ({
      clientRequestId,
      status,
      result,
      error: error?.code,
    }));
    results.sort((a, b) => (a.clientRequestId < b.clientRequestId ? -1 : 1));
    return { results, bodies: [...effects.bodies.values()] };
  }

  it('W7 flows that are put out of memory whenever they wait do exactly what others do', async () => {
    const hot = await trades({});
    await kit.stop();
    const cold = await trades({ maxHotFlows: 1 });
    const shape = ({ results }: typeof hot): unknown =>
      results.map(({ clientRequestId, status, error }) => [clientRequestId, status, error]);
    expect(shape(cold)).toEqual(shape(hot));
    expect(new Set(cold.bodies)).toEqual(new Set([1]));
    expect(cold.bodies).toHaveLength(hot.bodies.length);
  });

  it('W7 the number of live generators stays within its limit, also after a restart', async () => {
    const sleeper = scripted('sleeper', function* ({ sleep }) {
      yield* sleep('1 hour');
      yield* sleep('10 hours');
    });
    kit = await nodeOf([sleeper], { maxHotFlows: 5 });
    await Promise.all(Array.from({ length: 30 }, () => kit.node().start('A', sleeper, null)));
    expect(factsOf(kit.node()).hot).toBeLessThanOrEqual(5);
    kit.crash();
    await kit.restart();
    await kit.advance('2 hours');
    expect(factsOf(kit.node())).toMatchObject({ flows: 30, hot: 5 });
    await kit.advance('10 hours');
    expect(factsOf(kit.node())).toMatchObject({ flows: 0, hot: 0 });
  });
});

describe('a log that stalls', () => {
  it('W3 WK13 tells nobody anything and runs no step before its commit is durable, then goes on without loss', async () => {
    let stalled = false;
    const runs = counter();
    const stepping = scripted('stepping', function* ({ step }) {
      return [yield* step('one', () => runs.add('one')), yield* step('two', () => runs.add('two'))];
    });
    kit = await nodeOf([stepping], { logFaults: { commit: () => (stalled ? { delayMs: 20_000 } : 'ok') } });
    stalled = true;
    const answered = gate<string>();
    const start = kit
      .node()
      .start('A', stepping, null)
      .then(({ flowId }) => answered.resolve(flowId));
    await kit.advance('10 s');
    expect([runs.of('one'), (await kit.node().list()).flows]).toEqual([0, []]);
    stalled = false;
    await kit.advance('1 min');
    await start;
    expect(await kit.node().get({ flowId: await answered.promise })).toMatchObject({
      status: 'COMPLETED',
      result: [1, 1],
    });
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { nodeOf, type Script, scripted } from './scripts.ts';

const talk = protocol('talk', { version: 1, initiator: { say: z.string() }, responder: { reply: z.string() } });
const quiet = flow('quiet', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { sleep }) {
      yield* sleep('10 days');
    },
  },
});

let kit: TestNode;
afterEach(() => kit.stop());

/** Runs `first` until it waits, kills the node, and goes on with `second` as the code of the same flow. */
async function replayWith(first: Script, second: Script) {
  let script = first;
  const changing = scripted('changing', (context, input) => script(context, input));
  kit = await testNode({
    members: { A: { flows: [changing] }, B: { flows: [quiet] }, C: { flows: [quiet] } },
    shards: 1,
  });
  const { flowId } = await kit.node().start('A', changing, null);
  await kit.advance('1 min');
  kit.crash();
  script = second;
  await kit.restart();
  await kit.advance('2 hours');
  const view = await kit.node().get({ flowId });
  const back = (): void => {
    script = first;
  };
  return { flowId, view, back };
}

describe('a stage that takes another path at replay', () => {
  it.each<[string, Script, Script, string, string]>([
    [
      'another step',
      function* ({ step, sleep }) {
        yield* step('one', () => 1);
        yield* sleep('1 hour');
      },
      function* ({ step, sleep }) {
        yield* step('two', () => 1);
        yield* sleep('1 hour');
      },
      'step "two"',
      'step "one"',
    ],
    [
      'another kind of operation',
      function* ({ step, sleep }) {
        yield* step('one', () => 1);
        yield* sleep('1 hour');
      },
      function* ({ sleep }) {
        yield* sleep('1 hour');
      },
      'sleep "1 hour"',
      'step "one"',
    ],
    [
      'another duration',
      function* ({ sleep }) {
        yield* sleep('1 hour');
      },
      function* ({ sleep }) {
        yield* sleep('2 hours');
      },
      'sleep "2 hours"',
      'sleep "1 hour"',
    ],
    [
      'an early end',
      function* ({ step, sleep }) {
        yield* step('one', () => 1);
        yield* step('two', () => 2);
        yield* sleep('1 hour');
      },
      function* ({ step }) {
        yield* step('one', () => 1);
      },
      'the end of the stage',
      'step "two"',
    ],
    [
      'an early error',
      function* ({ step, sleep }) {
        yield* step('one', () => 1);
        yield* sleep('1 hour');
      },
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* () {
        throw new Error('too early');
      },
      'the error "too early"',
      'step "one"',
    ],
    [
      'a session with another peer',
      function* ({ session }) {
        const other = yield* session('B', talk);
        yield* other.send('say', 'hello');
        yield* other.receive({ within: '1 hour' });
      },
      function* ({ session }) {
        const other = yield* session('C', talk);
        yield* other.send('say', 'hello');
        yield* other.receive({ within: '1 hour' });
      },
      'open "talk C"',
      'open "talk B"',
    ],
    [
      'a step where a session was opened',
      function* ({ session }) {
        const other = yield* session('B', talk);
        yield* other.receive({ within: '1 hour' });
      },
      function* ({ step }) {
        yield* step('one', () => 1);
      },
      'step',
      'opening of a session',
    ],
  ])('W2 %s: STUCK, naming both', async (_what, first, second, found, expected) => {
    const { view, flowId, back } = await replayWith(first, second);
    expect([view.status, view.error?.code]).toEqual(['STUCK', 'WEIR_FLOW_DIVERGED']);
    expect(view.error?.message).toContain(found);
    expect(view.error?.message).toContain(expected);
    // FE8: with the right code again it goes on where it was.
    back();
    await kit.node().retry({ flowId }, 'the right code');
    await kit.advance('5 min');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: expect.stringMatching(/RUNNING|COMPLETED/) });
  });

  it('FE8 W6 a retry while an answer is on its way takes it when it comes', async () => {
    // The flow's own path is right again before the answer to its request has come.
    const { persistentActor } = await import('../../../src/index.ts');
    const box = persistentActor('box', {
      version: 1,
      state: z.number(),
      initial: () => 0,
      messages: { add: { body: z.number(), reply: z.number() } },
      on: { add: (sum, n) => ({ state: sum + n, reply: sum + n }) },
    });
    const right: Script = function* ({ actor }) {
      return yield* actor(box, 'k').ask('add', 5);
    };
    const wrong: Script = function* ({ step }) {
      return yield* step('other', () => 1);
    };
    let script = right;
    const asking = scripted('asking', (context, input) => script(context, input));
    const asked = { count: 0 };
    kit = await testNode({
      members: { A: { flows: [asking], actors: [box] } },
      shards: 1,
      // The commit with the request is durable, then the node dies: nothing has been handed over yet.
      crashAt: (point) => point === 'commit.after' && asked.count++ === 1,
    });
    const started = kit
      .node()
      .start('A', asking, null, { clientRequestId: 'r' })
      .catch(() => undefined);
    await Promise.race([started, kit.advance('1 s')]);
    await kit.advance('1 s');
    if (!kit.isDown()) kit.crash();
    script = wrong;
    await kit.restart();
    const name = { member: { name: 'A', group: 'default' }, clientRequestId: 'r' };
    await kit.advance('1 min');
    const view = await kit.node().get(name);
    script = right;
    if (view.status === 'STUCK') await kit.node().retry(name, 'right again');
    await kit.advance('1 min');
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 5 });
    expect(await kit.node().ask('A', box, 'k', 'add', 0)).toBe(5);
  });
});

describe('flow code that yields the wrong thing', () => {
  it.each<[string, unknown, string]>([
    ['a number', 5, 'number'],
    ['nothing', undefined, 'nothing'],
    ['null', null, 'null'],
    ['a promise', Promise.resolve(1), 'a promise'],
    ['a list', [1], 'a list'],
  ])('ends STUCK with a sentence that says what was yielded: %s', async (_what, value, found) => {
    const wrong = scripted('wrong', function* () {
      yield value as never;
    });
    kit = await nodeOf([wrong]);
    const handle = await kit.node().start('A', wrong, null);
    await kit.advance(0);
    const { status, error } = await handle.view();
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_OPERATION_UNKNOWN']);
    expect(error?.message).toContain(`in stage start: ${found}`);
  });

  it('FE8 an operation that is yielded without the star is named, and a retry goes on with mended code', async () => {
    let mended = false;
    const forgetful = scripted('forgetful', function* ({ step }) {
      if (mended) return yield* step('one', () => 1);
      yield step('one', () => 1) as never;
      return 0;
    });
    kit = await nodeOf([forgetful]);
    const name = { flowId: (await kit.node().start('A', forgetful, null)).flowId };
    await kit.advance(0);
    const { error } = await kit.node().get(name);
    expect(error?.message).toContain('an operation without "*"');
    mended = true;
    await kit.node().retry(name, 'mended');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 1 });
  });

  it('an operation that is returned without being run is named', async () => {
    const forgetful = scripted('forgetful', function* ({ step, sleep }) {
      yield* sleep(0);
      return { inner: step('one', () => 1) };
    });
    kit = await nodeOf([forgetful]);
    const handle = await kit.node().start('A', forgetful, null);
    await kit.advance(0);
    const { status, error } = await handle.view();
    expect(status).toBe('STUCK');
    expect(error?.message).toContain('step "one"');
    expect(error?.remedy).toContain('yield*');
  });

  it('W5 a stage whose parameters cannot be taken apart ends STUCK, and its shard goes on', async () => {
    const picky = flow('picky', {
      version: 1,
      states: { start: z.unknown() },
      result: z.unknown(),
      stages: {
        *start(input: unknown, { sleep }) {
          yield* sleep(0);
          return input;
        },
      },
    });
    const broken = {
      ...picky,
      stages: {
        *start({ a: { b } }: never) {
          yield b;
        },
      },
    } as unknown as typeof picky;
    kit = await nodeOf([broken as ReturnType<typeof scripted>]);
    const handle = await kit.node().start('A', broken, null);
    await kit.advance(0);
    expect(await handle.view()).toMatchObject({ status: 'STUCK', error: { code: 'TypeError' } });
    expect(kit.node().status().shards[0]?.restarts).toBe(0);
  });
});

describe('what a flow draws', () => {
  it('FE2 random numbers, ids and the time are the same at replay, also when a step draws some', async () => {
    const runs: unknown[][] = [];
    const drawing = scripted('drawing', function* ({ step, sleep, random, uuid, now, flowId }) {
      const drawn: unknown[] = [flowId, random(), uuid()];
      runs.push(drawn);
      drawn.push(yield* step('draw', () => [uuid(), random()]));
      drawn.push(uuid(), random(), yield* now());
      yield* sleep('1 hour');
      drawn.push(uuid(), random(), yield* now());
      yield* sleep('1 hour');
      return drawn.length;
    });
    // Runs are compared here.
    kit = await nodeOf([drawing], { replayCheck: false });
    await kit.node().start('A', drawing, null);
    await kit.advance('90 min');
    kit.crash();
    await kit.restart();
    await kit.advance('2 hours');
    const [live, replayed] = runs;
    expect(runs.length).toBeGreaterThan(1);
    expect(live?.length).toBeGreaterThan(6);
    expect(replayed?.slice(0, live?.length)).toEqual(live);
    const uuids = JSON.stringify(live).match(/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g);
    expect([uuids?.length, new Set(uuids).size]).toEqual([4, 4]);
  });
});

/** The crash guard: a flow that ends its worker is found, and nobody else is taken for it. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { gate, scripted } from './scripts.ts';
import { factsOf } from './wire.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** Whatever kills its worker does so while this says so. */
const deadly = { now: true };

function die(): void {
  if (deadly.now) kit.crash();
}

const inStep = scripted('in a step', function* ({ step }, rest) {
  yield* step('before', () => 1);
  yield* step('kill', die);
  return rest ?? 'survived';
});

const inStage = scripted('in a stage', function* ({ sleep }) {
  yield* sleep('1 s');
  die();
  return 'survived';
});

// biome-ignore lint/correctness/useYield: it ends before it does anything
const atOnce = scripted('at once', function* () {
  die();
  return 'survived';
});

const harmless = scripted('harmless', function* ({ step, sleep }, input) {
  yield* step('one', () => 1);
  yield* step('two', async () => 2);
  yield* sleep('10 s');
  yield* step('three', () => 3);
  return input;
});

const talk = protocol('talk', { version: 1, initiator: { say: z.string() }, responder: { reply: z.string() } });
const dyingAnswer = flow('dying answer', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { initiator }) {
      const { body } = yield* initiator.receive();
      if (body === 'die') die();
      yield* initiator.send('reply', body);
    },
  },
});
const asking = scripted('asking', function* ({ session }, word) {
  const peer = yield* session('A', talk);
  yield* peer.send('say', String(word));
  const { body } = yield* peer.receive();
  return body;
});

const flows = [inStep, inStage, atOnce, harmless, dyingAnswer, asking];

function node(settings: Partial<Parameters<typeof testNode>[0]> = {}): Promise<TestNode> {
  deadly.now = true;
  return testNode({ members: { A: { flows } }, shards: 1, deathsAlone: 1, ...settings });
}

/** Starts a flow; what it answers may be lost with its worker. */
function start(definition: (typeof flows)[number], input: unknown, clientRequestId: string): void {
  const starting = definition as typeof harmless;
  kit
    .node()
    .start('A', starting, input, { clientRequestId })
    .catch(() => undefined);
}

/** Lets time pass, and starts the worker again whenever it has died. */
async function live(seconds: number): Promise<void> {
  for (let second = 0; second < seconds || kit.isDown(); second++) {
    if (kit.isDown()) await kit.restart().catch(() => undefined);
    if (!kit.isDown()) await Promise.race([kit.advance('1 s'), kit.crashed()]);
  }
}

async function statuses(): Promise<Record<string, string>> {
  const { flows: views } = await kit.node().list({ limit: 1_000 });
  return Object.fromEntries(views.map(({ clientRequestId, status }) => [clientRequestId, status]));
}

describe('a flow that ends its worker', () => {
  it.each([
    ['in a step', inStep],
    ['in code of its stage, woken by a timer', inStage],
    ['in the first line, before anything of it is durable', atOnce],
  ])('FE17 is STUCK: %s', async (_where, definition) => {
    kit = await node();
    start(definition, null, 'killer');
    await live(1);
    // A client that was told nothing asks again.
    if (definition === atOnce) start(definition, null, 'killer');
    await live(20);
    const { status, error, flowId } = await kit
      .node()
      .get({ member: { name: 'A', group: 'default' }, clientRequestId: 'killer' });
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_CRASHED']);
    expect(error?.message).toMatch(
      /each of the [23] times that its worker ended, and the last time nothing else ran there$/,
    );
    expect(error?.remedy).toContain('memory, an endless loop');
    const { crashes } = kit;
    expect(crashes).toBeLessThanOrEqual(3);
    await live(60);
    expect(kit.crashes).toBe(crashes);
    // FE8: mended, it goes on.
    deadly.now = false;
    await kit.node().retry({ flowId }, 'mended');
    await live(2);
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'survived' });
  });

  it('FE17 is STUCK after two deaths when nothing else ran', async () => {
    kit = await node();
    start(inStep, null, 'killer');
    await live(20);
    expect([kit.crashes, await statuses()]).toEqual([2, { killer: 'STUCK' }]);
  });

  it('FE17 W5 takes nobody with it: a hundred flows beside it complete, and none of them is STUCK', async () => {
    kit = await node({ shards: 4 });
    for (let number = 0; number < 100; number++) start(harmless, number, `harmless-${number}`);
    start(inStep, null, 'killer-1');
    start(inStage, null, 'killer-2');
    await live(60);
    const { 'killer-1': first, 'killer-2': second, ...others } = await statuses();
    expect([first, second]).toEqual(['STUCK', 'STUCK']);
    expect(Object.values(others)).toEqual(Array(100).fill('COMPLETED'));
    expect(kit.crashes).toBeLessThanOrEqual(6);
  });

  it('FE17 is found when a message from elsewhere wakes it again and again', async () => {
    kit = await node({ shards: 2 });
    start(asking, 'die', 'asker');
    start(asking, 'hello', 'other');
    await live(120);
    const { flows: views } = await kit.node().list();
    const ends = views.map(({ flow: name, status, error }) => [name, status, error?.code]);
    expect(ends).toContainEqual(['dying answer', 'STUCK', 'WEIR_FLOW_CRASHED']);
    expect(ends.filter(([, , code]) => code === 'WEIR_FLOW_CRASHED')).toHaveLength(1);
    expect(await statuses()).toMatchObject({ other: 'COMPLETED', asker: 'RUNNING' });
  });

  it('FE8 FE17 that an operator retries runs alone: one more death is enough', async () => {
    kit = await node();
    start(inStep, null, 'killer');
    await live(10);
    const { crashes } = kit;
    const name = { member: { name: 'A', group: 'default' }, clientRequestId: 'killer' };
    kit
      .node()
      .retry(name, 'a try')
      .catch(() => undefined);
    await live(10);
    expect([kit.crashes - crashes, await statuses()]).toEqual([1, { killer: 'STUCK' }]);
  });

  it('FE17 W5 is one of many that have long steps: they are not taken for it, and go on', async () => {
    const held = gate();
    const long = scripted('long', function* ({ step }) {
      yield* step('wait', () => held.promise);
      return 'done';
    });
    kit = await node({ members: { A: { flows: [...flows, long] } }, shards: 2 });
    for (let number = 0; number < 20; number++) start(long, null, `long-${number}`);
    start(inStep, null, 'killer');
    await live(120);
    expect((await statuses()).killer).toBe('STUCK');
    held.resolve();
    await live(2);
    const { killer: _, ...others } = await statuses();
    expect(Object.values(others)).toEqual(Array(20).fill('COMPLETED'));
  });
});

describe('a flow whose worker is ended from outside', () => {
  const slow = (promise: Promise<unknown>) =>
    scripted('slow', function* ({ step }) {
      yield* step('wait', () => promise);
      return 'done';
    });

  it('FE17 W5 delays nobody for longer than a second, and is not STUCK for what happens later', async () => {
    const held = gate();
    const definition = slow(held.promise);
    kit = await node({ members: { A: { flows: [...flows, definition] } } });
    start(definition, null, 'slow');
    await kit.advance('1 s');
    for (let death = 0; death < 3; death++) {
      kit.crash();
      await kit.restart();
      start(harmless, death, `harmless-${death}`);
      // It runs alone at first; the longer, the more often its worker has ended.
      await kit.advance(`${4 ** death} s`);
      await kit.advance('11 s');
      expect(await statuses()).toMatchObject({ [`harmless-${death}`]: 'COMPLETED', slow: 'RUNNING' });
    }
    held.resolve();
    await kit.advance('1 s');
    expect(await statuses()).toMatchObject({ slow: 'COMPLETED' });
  });

  it('FE17 is not STUCK when its shard starts again in the same process, or moves in peace', async () => {
    const held = gate();
    const definition = slow(held.promise);
    let failures = 0;
    kit = await node({
      members: { A: { flows: [definition] } },
      workers: 2,
      crashAt: (point) => {
        if (point !== 'commit.after' || failures <= 0) return false;
        failures--;
        throw new Error('a defect in the shard');
      },
    });
    await kit.move(0, 0);
    start(definition, null, 'slow');
    await kit.advance('1 ms');
    for (let round = 0; round < 4; round++) {
      failures = 1;
      start(definition, null, `other-${round}`);
      await kit.advance('500 ms');
    }
    expect(failures).toBe(0);
    const moved = kit.move(0, 1);
    await kit.advance('20 s');
    await moved;
    held.resolve();
    await kit.advance('1 min');
    expect(Object.values(await statuses())).toEqual(Array(5).fill('COMPLETED'));
    expect(factsOf(kit.node(1), 0)).toMatchObject({ guarded: 0 });
  });

  it('FE17 is not STUCK while it gets further each time, since what ends workers everywhere is not one flow', async () => {
    const fallen = new Set<number>();
    const unlucky = scripted('unlucky', function* ({ step }) {
      for (let place = 0; place < 6; place++) {
        yield* step(`step ${place}`, () => {
          if (fallen.has(place)) return;
          fallen.add(place);
          die();
        });
      }
      return 'survived';
    });
    kit = await node({ members: { A: { flows: [unlucky] } }, deathsAlone: 2 });
    start(unlucky, null, 'unlucky');
    await live(60);
    expect([kit.crashes, await statuses()]).toEqual([6, { unlucky: 'COMPLETED' }]);
  });

  it('FE17 is not STUCK where workers are often ended, if the node says so', async () => {
    kit = await node({ deathsAlone: 4 });
    start(inStep, null, 'killer');
    await live(20);
    expect([kit.crashes, await statuses()]).toEqual([5, { killer: 'STUCK' }]);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { counter, nodeOf, scripted } from '../flow/scripts.ts';
import { factsOf } from '../flow/wire.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const runs = counter();
const plain = scripted('plain', function* ({ step, flowId }, input) {
  yield* step('count', () => runs.add(flowId));
  return input;
});
const other = scripted('other', function* ({ sleep }) {
  yield* sleep('1 min');
});
const member = { name: 'A', group: 'default' };

describe('starts', () => {
  it('SM1 RP2 W8 a hundred concurrent starts with one id make one flow, and all are told the same', async () => {
    kit = await nodeOf([plain], { shards: 4 });
    const handles = await Promise.all(
      Array.from({ length: 100 }, () => kit.node().start('A', plain, 'x', { clientRequestId: 'one' })),
    );
    await kit.advance(0);
    expect(new Set(handles.map(({ flowId }) => flowId)).size).toBe(1);
    expect(handles.filter(({ created }) => created)).toHaveLength(1);
    expect((await kit.node().list()).flows).toHaveLength(1);
    expect(runs.of(handles[0]?.flowId ?? '')).toBe(1);
  });

  it('SM1 the same over two workers and the log, while the shard moves', async () => {
    kit = await nodeOf([plain], { shards: 2, workers: 2 });
    const started = Array.from({ length: 50 }, (_, i) =>
      kit.node(i % 2).start('A', plain, 'x', { clientRequestId: `id-${i % 5}` }),
    );
    await kit.advance('1 ms');
    const moves = [kit.move(0, 1, { rude: true }), kit.move(1, 0)];
    await kit.advance('2 min');
    await Promise.all(moves);
    const ids = await Promise.all(
      started.map((start) =>
        start.then(
          ({ flowId }) => flowId,
          () => undefined,
        ),
      ),
    );
    await kit.advance('2 min');
    for (let i = 0; i < 5; i++) {
      const given = new Set(ids.filter((id, at) => at % 5 === i && id !== undefined));
      expect(given.size).toBe(1);
      expect(runs.of([...given][0] ?? '')).toBeGreaterThan(0);
    }
    expect((await kit.node().list()).flows.map(({ status }) => status)).toEqual(Array(5).fill('COMPLETED'));
  });

  it('FE3 RP2 a start that is repeated after the end gives the same flow and result, and runs no code', async () => {
    kit = await nodeOf([plain]);
    const first = await kit.node().start('A', plain, { a: 1n }, { clientRequestId: 'r' });
    await kit.advance('1 min');
    kit.crash();
    await kit.restart();
    const again = await kit.node().start('A', plain, { a: 1n }, { clientRequestId: 'r' });
    await kit.advance('1 min');
    expect([again.flowId, again.created]).toEqual([first.flowId, false]);
    expect(await again.result()).toEqual({ a: 1n });
    expect(runs.of(first.flowId)).toBe(1);
  });

  it('SM2 the same id with another body or flow is a conflict that names the flow', async () => {
    kit = await nodeOf([plain, other]);
    const options = { clientRequestId: 'r' };
    const { flowId } = await kit.node().start('A', plain, { a: 1, b: [2] }, options);
    const conflict = { code: 'WEIR_FLOW_CONFLICT', context: { flowId } };
    await expect(kit.node().start('A', plain, { a: 1, b: [3] }, options)).rejects.toMatchObject(conflict);
    await expect(kit.node().start('A', other, { a: 1, b: [2] }, options)).rejects.toMatchObject(conflict);
    // The order of keys is no part of a body.
    expect((await kit.node().start('A', plain, { b: [2], a: 1 }, options)).flowId).toBe(flowId);
    kit.crash();
    await kit.restart();
    await expect(kit.node().start('A', plain, 'else', options)).rejects.toMatchObject(conflict);
  });

  it('SM3 SM4 SM15 an id names its flow until the window after its end has passed, across restarts, then a new one', async () => {
    kit = await nodeOf([plain], { retention: '2 days' });
    const options = { clientRequestId: 'r' };
    const first = await kit.node().start('A', plain, 'first', options);
    await kit.advance('1 day');
    kit.crash();
    await kit.advance('20 hours');
    await kit.restart();
    await expect(kit.node().start('A', plain, 'second', options)).rejects.toMatchObject({ code: 'WEIR_FLOW_CONFLICT' });
    await kit.advance('230 min');
    expect((await kit.node().start('A', plain, 'first', options)).flowId).toBe(first.flowId);
    kit.crash();
    await kit.advance('1 hour');
    await kit.restart();
    await kit.advance('1 min');
    await expect(kit.node().get({ flowId: first.flowId })).rejects.toMatchObject({ code: 'WEIR_FLOW_NOT_FOUND' });
    const second = await kit.node().start('A', plain, 'second', options);
    expect(second.created).toBe(true);
    expect(second.flowId).not.toBe(first.flowId);
    await kit.advance('1 min');
    expect(await second.result()).toBe('second');
    expect(runs.of(second.flowId)).toBe(1);
    // The new flow's window is its own.
    await kit.advance('47 hours');
    expect((await kit.node().get({ flowId: second.flowId })).status).toBe('COMPLETED');
  });

  it('SM3 the window of a flow begins at its end, not at its start', async () => {
    const slow = scripted('slow', function* ({ sleep }) {
      yield* sleep('10 days');
    });
    kit = await nodeOf([slow], { retention: '1 day' });
    const first = await kit.node().start('A', slow, null, { clientRequestId: 'r' });
    await kit.advance('5 days');
    expect((await kit.node().start('A', slow, null, { clientRequestId: 'r' })).flowId).toBe(first.flowId);
    await kit.advance('131 hours');
    expect((await kit.node().start('A', slow, null, { clientRequestId: 'r' })).created).toBe(false);
  });

  it('SM4 SM15 the windows of many flows end each in its time, also after a restart in between', async () => {
    const napping = scripted('napping', function* ({ sleep }, minutes) {
      yield* sleep((minutes as number) * 60_000);
    });
    kit = await nodeOf([napping], { retention: '1 day' });
    const naps = [50, 10, 40, 20, 30];
    for (const nap of naps) await kit.node().start('A', napping, nap, { clientRequestId: `nap ${nap}` });
    await kit.advance('2 hours');
    kit.crash();
    await kit.restart();
    await kit.advance('1335 min');
    for (const passed of [15, 25, 35, 45, 55]) {
      const { flows } = await kit.node().list();
      const known = flows.map(({ clientRequestId }) => Number(clientRequestId.slice(4)));
      expect(known.sort()).toEqual([10, 20, 30, 40, 50].filter((nap) => nap > passed));
      await kit.advance('10 min');
    }
  });

  it('SM12 after the window nothing of ended flows is left', async () => {
    kit = await nodeOf([plain], { retention: '1 day' });
    const before = factsOf(kit.node());
    // More than one sweep takes.
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => kit.node().start('A', plain, i)));
    await kit.advance('1 hour');
    expect(factsOf(kit.node())).toMatchObject({ flows: 0, remembered: 1_200 });
    await kit.advance('1 day');
    expect(factsOf(kit.node())).toMatchObject({ flows: 0, remembered: 0 });
    expect((await kit.node().list()).flows).toEqual([]);
    kit.crash();
    await kit.restart();
    expect(factsOf(kit.node())).toMatchObject({ flows: 0, remembered: before.remembered });
  });

  it('SM5 a flow tells who started it, when and why, and what operators did, across a restart', async () => {
    const stuck = scripted('stuck', function* ({ step }) {
      yield* step('fail', () => {
        throw new TypeError('always');
      });
    });
    kit = await nodeOf([stuck]);
    const name = { flowId: (await kit.node().start('A', stuck, null)).flowId };
    const at = kit.clock.now();
    await kit.advance('1 hour');
    await kit.node().retry(name, 'perhaps');
    await kit.advance('1 hour');
    await kit.node().kill(name, 'hopeless');
    kit.crash();
    await kit.restart();
    const view = await kit.node().get(name);
    expect(view).toMatchObject({ flow: 'stuck', member, status: 'KILLED', startedBy: 'local:embedder' });
    const hour = 3_600_000;
    expect(view.history.map(({ act, at: when, reason }) => [act, when - at, reason])).toEqual([
      ['start', 0, ''],
      ['retry', hour, 'perhaps'],
      ['kill', 2 * hour, 'hopeless'],
    ]);
  });

  it('SM5 flow ids are unique, also among members of one name in two groups', async () => {
    kit = await testNode({
      members: [
        { name: 'A', group: 'g1', flows: [plain] },
        { name: 'A', group: 'g2', flows: [plain] },
      ],
      shards: 1,
    });
    const ids = await Promise.all(
      ['g1', 'g2'].map((group) => kit.node().start({ name: 'A', group }, plain, group, { clientRequestId: 'same' })),
    );
    await kit.advance(0);
    expect(new Set(ids.map(({ flowId }) => flowId)).size).toBe(2);
    expect(await Promise.all(ids.map((handle) => handle.result()))).toEqual(['g1', 'g2']);
    await expect(kit.node().start('A', plain, null)).rejects.toMatchObject({ code: 'WEIR_MEMBER_UNKNOWN' });
  });

  it('W8 a start that was answered is there after a crash at any moment later', async () => {
    kit = await nodeOf([other]);
    const { flowId } = await kit.node().start('A', other, null);
    kit.crash();
    await kit.restart();
    expect((await kit.node().get({ flowId })).status).toBe('RUNNING');
  });

  it('W7 WK12 a log that does not keep up refuses new starts with WEIR_SHARD_BUSY, and loses none that it accepted', async () => {
    let stalled = false;
    const keeping = scripted('keeping', function* ({ sleep }, input) {
      yield* sleep('1 hour');
      return (input as string).length;
    });
    kit = await nodeOf([keeping], { logFaults: { commit: () => (stalled ? { delayMs: 60_000 } : 'ok') } });
    const body = 'x'.repeat(500_000);
    stalled = true;
    const outcomes: string[] = [];
    const starts = Array.from({ length: 120 }, (_, i) =>
      kit
        .node()
        .start('A', keeping, body, { clientRequestId: `r${i}` })
        .then(
          () => outcomes.push('accepted'),
          (error: unknown) => outcomes.push(String(Reflect.get(Object(error), 'code'))),
        ),
    );
    await kit.advance('1 s');
    // Those that were refused know it at once, those that wait are not told anything before they are durable (W8).
    expect(outcomes.length).toBeGreaterThan(0);
    expect(new Set(outcomes)).toEqual(new Set(['WEIR_SHARD_BUSY']));
    stalled = false;
    await kit.advance('5 min');
    await Promise.all(starts);
    const accepted = outcomes.filter((outcome) => outcome === 'accepted').length;
    const unheard = outcomes.filter((outcome) => outcome === 'WEIR_ASK_TIMEOUT').length;
    await kit.advance('2 hours');
    const { flows } = await kit.node().list({ limit: 1_000 });
    expect(flows.length).toBe(accepted + unheard);
    expect(flows.map(({ result }) => result)).toEqual(flows.map(() => 500_000));
    expect((await kit.node().start('A', keeping, 'after')).created).toBe(true);
  });
});

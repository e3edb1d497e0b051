import { afterEach, describe, expect, it } from 'vitest';
import { encodeStart, serviceKinds } from '../../../src/actors/flow/protocol.ts';
import { encodeRouted } from '../../../src/actors/shard/protocol.ts';
import { WeirError } from '../../../src/errors/index.ts';
import { encodeValue, shardRecord } from '../../../src/persistence/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { counter, gate, nodeOf, scripted } from '../flow/scripts.ts';
import { factsOf } from '../flow/wire.ts';
import { sleeper, tally } from './programs.ts';

let kit: TestNode;
afterEach(() => kit.stop());

function record(partition: number, value: Uint8Array): Promise<void> {
  return kit.cluster.worker('outsider').append('flow.events', partition, [{ key: 'x', value }]);
}

async function parked(topic = 'flow.state', partition = 0): Promise<string[]> {
  const keys: string[] = [];
  const claim = await claimed(topic, partition);
  for await (const chunk of claim.restore()) for (const { key } of chunk) if (key.startsWith('d/')) keys.push(key);
  return keys;
}

function claimed(topic: string, partition: number) {
  return kit.cluster.worker('outsider').claim({ topic, partition });
}

describe('a shard', () => {
  it('WK8 W11 that throws is started again from its last commit, while the other shards go on undisturbed', async () => {
    let armed = false;
    kit = await nodeOf([sleeper], {
      shards: 4,
      crashAt: (point, _worker, partition) => {
        if (!armed || partition !== 0 || point !== 'commit.after') return false;
        armed = false;
        throw new Error('a defect in the shard');
      },
    });
    const handles = await Promise.all(Array.from({ length: 40 }, (_, i) => kit.node().start('A', sleeper, i)));
    const terms = (): unknown[] => [0, 1, 2, 3].map((partition) => factsOf(kit.node(), partition).term);
    const before = terms();
    armed = true;
    await kit.advance('2 hours');
    expect(armed).toBe(false);
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(handles.map((_, i) => i));
    const shards = kit.node().status().shards;
    expect(shards.map(({ phase, restarts }) => [phase, restarts])).toEqual([
      ['running', 1],
      ['running', 0],
      ['running', 0],
      ['running', 0],
    ]);
    expect(shards[0]?.lastFailure).toBe('a defect in the shard');
    expect(terms()[0]).not.toBe(before[0]);
    expect(terms().slice(1)).toEqual(before.slice(1));
  });

  it('WK11 parks what nobody can read with its offset, and its partition goes on', async () => {
    kit = await nodeOf([sleeper]);
    const garbage = [
      new Uint8Array(),
      new Uint8Array([1]),
      new Uint8Array(10_000).fill(0xc3),
      new Uint8Array([0xc3, 1, 9]),
    ];
    for (const bytes of garbage) await record(0, bytes);
    const authority = { principal: { name: 'x', kind: 'client' as const }, reason: '' };
    const request = { member: { name: 'A', group: 'default' }, flow: 'sleeper', authority, trace: '' };
    const start = (clientRequestId: string, input: Uint8Array, expires = 8.64e15) =>
      record(
        0,
        encodeRouted({
          type: 'service',
          kind: serviceKinds.start,
          bytes: encodeStart({ ...request, clientRequestId, input, version: 0, expires }),
        }),
      );
    await start('bad input', new Uint8Array([0xc1]));
    await record(0, encodeRouted({ type: 'service', kind: serviceKinds.start, bytes: new Uint8Array([1, 2]) }));
    await record(0, encodeRouted({ type: 'service', kind: serviceKinds.session, bytes: new Uint8Array([1, 2]) }));
    await record(0, encodeRouted({ type: 'service', kind: 'of a newer version', bytes: new Uint8Array() }));
    // Nobody waits for it any more: the flow that it once started may be forgotten (W4).
    await start('too late', encodeValue('hello', 'input'), kit.clock.now());
    await start('good input', encodeValue('hello', 'input'));
    await kit.advance('2 hours');
    const view = (id: string) => kit.node().get({ member: { name: 'A', group: 'default' }, clientRequestId: id });
    expect(await view('good input')).toMatchObject({ status: 'COMPLETED', result: 'hello' });
    // What cannot be decoded in an input concerns that flow alone.
    expect(await view('bad input')).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_RECORD_UNREADABLE' } });
    expect(factsOf(kit.node())).toMatchObject({ phase: 'running', poison: 6 });
    expect(kit.node().status().shards[0]?.restarts).toBe(0);
    kit.crash();
    await kit.restart();
    await kit.advance('1 min');
    expect(await view('bad input')).toMatchObject({ status: 'STUCK' });
    // Whoever looks at the tree finds them, after a restart too.
    expect(factsOf(kit.node())).toMatchObject({ parked: 'd/0 d/1 d/2 d/3 d/5 d/6' });
    expect((await kit.node().list()).flows).toHaveLength(2);
    await kit.stop();
    expect(await parked()).toEqual(['d/0', 'd/1', 'd/2', 'd/3', 'd/5', 'd/6']);
  });

  it('WK11 an unreadable message in the stream of another shard is parked, and the stream goes on behind it', async () => {
    kit = await nodeOf([sleeper]);
    const delivery = (number: number) =>
      record(0, encodeRouted({ type: 'delivery', from: 5, entries: [{ number, bytes: new Uint8Array([number]) }] }));
    await delivery(1);
    await delivery(1);
    await delivery(3);
    await delivery(2);
    await kit.advance('1 s');
    expect(factsOf(kit.node())).toMatchObject({ phase: 'running', unreadable: 2 });
    kit.crash();
    await kit.restart();
    await delivery(2);
    await delivery(3);
    await kit.advance('1 s');
    expect(factsOf(kit.node())).toMatchObject({ phase: 'running', unreadable: 1 });
  });

  it('WK11 W4 a checkpoint of a newer version is left alone: nothing is started, written or answered in its place', async () => {
    kit = await testNode({ members: { A: { flows: [sleeper], actors: [tally] } }, shards: 1 });
    const options = { clientRequestId: 'r' };
    const { flowId } = await kit.node().start('A', sleeper, 1, options);
    await kit.node().ask('A', tally, 'k', 'add', 5);
    await kit.stop();
    const newer = new Uint8Array([0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 99]);
    const claim = await claimed('flow.state', 0);
    const kept = new Map<string, Uint8Array>();
    for await (const chunk of claim.restore()) {
      for (const { key, value } of chunk) if (key.startsWith('c/') && value !== null) kept.set(key, value);
    }
    expect(kept.size).toBe(2);
    await claim.commit({ records: [...kept.keys()].map((key) => ({ key, value: newer })), publications: [] });
    await kit.restart();
    await expect(kit.node().start('A', sleeper, 1, options)).rejects.toMatchObject({ code: 'WEIR_FLOW_CONFLICT' });
    await expect(kit.node().ask('A', tally, 'k', 'add', 1)).rejects.toMatchObject({
      code: expect.stringMatching(/WEIR_ACTOR_(REFUSED|FAILED)|WEIR_RECORD_UNREADABLE/),
    });
    await kit.advance('1 day');
    await kit.stop();
    // With the version that can read them everything is as it was.
    const back = await claimed('flow.state', 0);
    const found = new Map<string, Uint8Array | null>();
    for await (const chunk of back.restore()) for (const { key, value } of chunk) found.set(key, value);
    for (const key of kept.keys()) expect(found.get(key)).toEqual(newer);
    await back.commit({ records: [...kept].map(([key, value]) => ({ key, value })), publications: [] });
    await kit.restart();
    await kit.advance('2 hours');
    expect((await kit.node().get({ flowId })).status).toBe('COMPLETED');
    expect(await kit.node().ask('A', tally, 'k', 'add', 1)).toBe(6);
  });

  it('W1 that was written with another number of partitions is refused with both numbers', async () => {
    kit = await nodeOf([sleeper], { shards: 2 });
    await kit.stop();
    const claim = await claimed('flow.state', 1);
    await claim.commit({
      records: [{ key: 'shard', value: shardRecord.encode({ partitions: 5, commit: 9, released: true, claim: 0 }) }],
      publications: [],
    });
    const chain: string[] = [];
    try {
      const starting = kit.restart();
      starting.catch(() => undefined);
      await kit.advance('5 min');
      await starting;
    } catch (error) {
      for (let at: unknown = error; at instanceof Error; at = at.cause)
        chain.push(`${Reflect.get(at, 'code')}: ${at.message}`);
    }
    expect(chain.join('\n')).toContain(
      'WEIR_SHARD_PARTITIONS: flow.state/1 was written with 5 partitions, the node is configured for 2',
    );
  });
});

describe('the region of a worker', () => {
  it('WK8 W6 that fails with one of its shards too often is started again, and takes all its shards up', async () => {
    let defects = 0;
    kit = await nodeOf([sleeper], {
      shards: 3,
      crashAt: (point, _worker, partition) => {
        if (partition !== 1 || point !== 'claimed' || defects === 0) return false;
        defects--;
        throw new Error('a defect');
      },
    });
    const handles = await Promise.all(Array.from({ length: 12 }, (_, i) => kit.node().start('A', sleeper, i)));
    // One more than a shard may fail within its window; then the failure is its region's own.
    defects = 12;
    kit.crash();
    const starting = kit.restart();
    await kit.advance('10 min');
    await starting;
    expect(defects).toBe(0);
    expect(kit.node().status().services[0]).toMatchObject({ state: 'ready', restarts: 1 });
    expect(
      kit
        .node()
        .status()
        .shards.map(({ phase }) => phase),
    ).toEqual(['running', 'running', 'running']);
    await kit.advance('2 hours');
    const views = await Promise.all(handles.map(({ flowId }) => kit.node().get({ flowId })));
    expect(views.map(({ status }) => status)).toEqual(Array(12).fill('COMPLETED'));
  });

  it('WK16 W6 goes on with its other shards while one is not to be claimed, for as long as it takes', async () => {
    let claims = 0;
    let defect: Error | undefined;
    kit = await nodeOf([sleeper], {
      shards: 3,
      crashAt: (point, _worker, partition) => {
        if (defect === undefined || partition !== 1) return false;
        if (point === 'claimed') claims++;
        if (point === 'claimed' || point === 'commit.after') throw defect;
        return false;
      },
    });
    const handles = await Promise.all(Array.from({ length: 12 }, (_, i) => kit.node().start('A', sleeper, i)));
    const terms = (): unknown[] => [0, 2].map((partition) => factsOf(kit.node(), partition).term);
    const before = terms();
    defect = new WeirError('WEIR_LOG_PARTITIONS', { topic: 'flow.state', found: 4, expected: 3 });
    await kit.advance('2 hours');
    const shards = (): unknown[] =>
      kit
        .node()
        .status()
        .shards.map(({ phase, lastFailure }) => [phase, lastFailure]);
    expect(shards()).toEqual([
      ['running', undefined],
      ['claiming', defect.message],
      ['running', undefined],
    ]);
    // Nothing that runs was touched, and nobody has given up.
    expect(terms()).toEqual(before);
    expect(claims).toBeGreaterThan(100);
    defect = undefined;
    await kit.advance('1 min');
    const views = await Promise.all(handles.map(({ flowId }) => kit.node().get({ flowId })));
    expect(views.map(({ status }) => status)).toEqual(Array(12).fill('COMPLETED'));
    expect(kit.node().status().services[0]).toMatchObject({ state: 'ready', restarts: 0 });
  });

  it('WK8 W6 does not start a shard again that fails while it moves away', async () => {
    let moving = false;
    let failed: number | undefined;
    kit = await nodeOf([sleeper], {
      workers: 2,
      shards: 2,
      crashAt: (point, worker, partition) => {
        if (!moving || partition !== 0 || point !== 'commit.after' || failed !== undefined) return false;
        failed = worker;
        throw new Error('a defect in the shard');
      },
    });
    const from = kit.ownerOf(0) ?? 0;
    const to = 1 - from;
    moving = true;
    const moved = kit.move(0, to);
    await kit.advance('1 s');
    expect(failed).toBe(from);
    const here = (worker: number): unknown[] =>
      kit
        .node(worker)
        .status()
        .shards.map(({ partition, phase }) => `${partition} ${phase}`)
        .sort();
    expect([here(from), here(to)]).toEqual([[], ['0 running', '1 running']]);
    await moved;
  });
});

describe('a graceful stop', () => {
  it('W8 loses nothing with steps under way, and what goes on afterwards runs no step twice that was finished', async () => {
    const runs = counter();
    const bodies = gate();
    const stepping = scripted('stepping', function* ({ step }, input) {
      const first = yield* step('first', async ({ id }) => {
        runs.add(id);
        await bodies.promise;
        return 1;
      });
      return first + (yield* step('second', ({ id }) => runs.add(id))) + (input as number);
    });
    kit = await nodeOf([stepping], { shards: 2 });
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => kit.node().start('A', stepping, i)));
    const stopping = kit.stop();
    await kit.advance('1 s');
    await expect(kit.node().start('A', stepping, 1)).rejects.toThrow();
    bodies.resolve();
    await kit.advance('1 s');
    await stopping;
    // Both shards were let go in peace.
    for (const partition of [0, 1]) {
      const claim = await claimed('flow.state', partition);
      for await (const chunk of claim.restore()) {
        for (const { key, value } of chunk) {
          if (key === 'shard' && value !== null) expect(shardRecord.decode(value)).toMatchObject({ released: true });
        }
      }
    }
    await kit.restart();
    await kit.advance('1 min');
    const results = await Promise.all(ids.map(({ flowId }) => kit.node().get({ flowId })));
    expect(results.map(({ status, result }) => [status, result])).toEqual(ids.map((_, i) => ['COMPLETED', i + 2]));
    expect(new Set(runs.counts.values())).toEqual(new Set([1]));
  });

  it('W6 does not wait for ever for a step that hangs: the next start runs it again', async () => {
    let hang = true;
    const hanging = scripted('hanging', function* ({ step }) {
      return yield* step('hang', ({ signal }) =>
        hang
          ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          : 'done',
      );
    });
    kit = await nodeOf([hanging]);
    const { flowId } = await kit.node().start('A', hanging, null);
    await kit.advance('1 s');
    const stopping = kit.stop();
    await kit.advance('2 min');
    await stopping;
    hang = false;
    await kit.restart();
    await kit.advance('1 s');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'done' });
  });
});

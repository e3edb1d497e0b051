import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyFlow, flow } from '../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../src/testing/index.ts';

const rest = flow('rest', {
  version: 1,
  states: { start: z.object({ days: z.number() }) },
  result: z.object({ rested: z.number() }),
  stages: {
    *start({ days }, { sleep, step }) {
      yield* step('lie down', () => undefined);
      yield* sleep(`${days} days`);
      return { rested: days };
    },
  },
});

const decline = flow('decline', {
  version: 1,
  states: { start: z.null() },
  stages: {
    *start(_input, { sleep, failed }) {
      yield* sleep('1 min');
      return failed('declined', { why: 'too dear', price: 7n });
    },
  },
});

const broken = flow('broken', {
  version: 1,
  states: { start: z.null() },
  stages: {
    *start(_input, { step }) {
      yield* step('use', () => {
        throw new TypeError('a part is missing');
      });
    },
  },
});

const flows: readonly AnyFlow[] = [rest, decline, broken];
let kit: TestNode | undefined;
afterEach(() => kit?.stop());

async function node(settings: Partial<TestNodeSettings> = {}): Promise<TestNode> {
  kit = await testNode({ members: { ACME: { flows } }, shards: 2, ...settings });
  return kit;
}

describe('run of a test node', () => {
  it('moves time until the flow has ended, and no further', async () => {
    const { clock, node: at, run } = await node();
    const began = clock.now();
    const handle = await at().start('ACME', rest, { days: 3 });
    const result: { rested: number } = await run(handle, { within: '1 week' });
    expect(result).toEqual({ rested: 3 });
    expect(clock.now() - began).toBeGreaterThanOrEqual(3 * 86_400_000);
    expect(clock.now() - began).toBeLessThan(3 * 86_400_000 + 60_000);
  });

  it('throws what the flow failed with', async () => {
    const { node: at, run } = await node();
    await expect(run(await at().start('ACME', decline, null))).rejects.toMatchObject({
      name: 'ApplicationError',
      code: 'declined',
      details: { why: 'too dear', price: 7n },
    });
  });

  it('says at once that the flow is STUCK, and why', async () => {
    const { clock, node: at, run } = await node();
    const began = clock.now();
    await expect(run(await at().start('ACME', broken, null))).rejects.toMatchObject({
      code: 'WEIR_FLOW_UNFINISHED',
      message: expect.stringMatching(/is STUCK and has no result yet: .*a part is missing/),
    });
    expect(clock.now() - began).toBeLessThan(1_000);
  });

  it('says what the flow waits on when it has not settled within', async () => {
    const { node: at, run } = await node();
    const handle = await at().start('ACME', rest, { days: 3 });
    await expect(run(handle)).rejects.toMatchObject({
      code: 'WEIR_FLOW_UNFINISHED',
      message: expect.stringMatching(/is RUNNING .* after 1 hour in stage start, where it waits on sleep/),
    });
    // Time went on; the rest of it is shorter.
    expect(await run(handle, { within: '3 days' })).toEqual({ rested: 3 });
  });

  it('takes a handle of a node that has crashed since', async () => {
    const { node: at, run, crash, restart, advance } = await node();
    const handle = await at().start('ACME', rest, { days: 3 });
    await advance('1 day');
    crash();
    await expect(run(handle)).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
    await expect(handle.view()).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
    await restart();
    expect(await run(handle, { within: '1 week' })).toEqual({ rested: 3 });
  });

  it('TK1 tells whoever waits for an answer that the worker was killed', async () => {
    let armed = false;
    const { node: at } = await node({ crashAt: (point) => armed && point === 'commit.after' });
    const handle = await at().start('ACME', rest, { days: 3 });
    const result = handle.result();
    armed = true;
    await expect(at().start('ACME', rest, { days: 3 })).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
    await expect(result).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
  });

  it('goes on with another worker when one crashes under way', async () => {
    let armed = false;
    const crashing = await node({
      workers: 2,
      crashAt: (point, worker) => armed && point === 'commit.after' && worker === 1,
    });
    const moveAll = async (worker: number): Promise<void> => {
      const moving = Promise.all([crashing.move(0, worker), crashing.move(1, worker)]);
      await crashing.advance('20 s');
      await moving;
    };
    await moveAll(0);
    const handle = await crashing.node().start('ACME', rest, { days: 1 });
    await moveAll(1);
    armed = true;
    expect(await crashing.run(handle, { within: '2 days' })).toEqual({ rested: 1 });
    expect(crashing.crashes).toBe(1);
  });
});

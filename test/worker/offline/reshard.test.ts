/** Flows under way whose node is given another number of shards, down and up again, with everything in every state. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StartedNode, silentLogger, startNode } from '../../../src/index.ts';
import { openOffline, reshardLog } from '../../../src/worker/offline/index.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';
import { booked, buy, gate, sell } from './deals.ts';
import { clock } from './support.ts';

const closing: Array<() => Promise<void>> = [];

beforeEach(() => booked.clear());

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newData(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  closing.push(remove);
  return path;
}

async function nodeOn(data: string, shards?: number): Promise<StartedNode> {
  const node = await startNode({
    members: { BUYER: { flows: [buy], actors: [gate] }, SELLER: { flows: [sell] } },
    data,
    ...(shards === undefined ? {} : { shards }),
    logger: silentLogger,
  });
  closing.push(() => node.stop());
  return node;
}

async function reshard(data: string, partitions: number) {
  const log = await openOffline({ configuration: { data, kafka: undefined }, clock, logger: silentLogger });
  try {
    return await reshardLog(log, partitions, clock);
  } finally {
    await log.close();
  }
}

describe('another number of shards', () => {
  it('WK20 flows that are under way go on, each where it was; ended ones and their request ids are remembered', async () => {
    const data = await newData();
    const lots = Array.from({ length: 30 }, (_, lot) => lot);
    const one = await nodeOn(data, 3);
    for (const lot of lots) {
      await one.start('BUYER', buy, { lot, gate: `gate-${lot % 3}` }, { clientRequestId: `lot-${lot}` });
    }
    let node = one;
    let opened = 0;
    for (const shards of [7, 2, 5]) {
      await node.ask('BUYER', gate, `gate-${opened}`, 'open', null);
      for (const lot of lots.filter((number) => number % 3 === opened)) {
        const request = { clientRequestId: `lot-${lot}`, member: { name: 'BUYER', group: 'default' } };
        expect(await node.settled(request)).toMatchObject({ status: 'COMPLETED', result: `lot ${lot}` });
      }
      opened += 1;
      await node.stop();
      const done = await reshard(data, shards);
      expect(done).toMatchObject({ partitions: shards, before: { 7: 3, 2: 7, 5: 2 }[shards] });
      node = await nodeOn(data);
      expect(node.status().shards).toHaveLength(shards);
      const again = await node.start('BUYER', buy, { lot: 0, gate: 'gate-0' }, { clientRequestId: 'lot-0' });
      expect(again.created).toBe(false);
    }
    const { flows } = await node.list({ limit: 1_000 });
    for (const { flowId } of flows) await node.settled({ flowId });
    const ended = (await node.list({ limit: 1_000 })).flows;
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['COMPLETED']));
    expect(ended.filter(({ flow }) => flow === 'buy')).toHaveLength(lots.length);
    expect([...booked.values()]).toEqual(lots.map(() => 1));
  });

  it('WK20 says that there is nothing to do when it has so many already', async () => {
    const data = await newData();
    await (await nodeOn(data, 2)).stop();
    expect(await reshard(data, 2)).toBeUndefined();
  });
});

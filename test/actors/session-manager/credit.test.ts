import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import { factsOf, type Wire, wiredNode } from '../flow/wire.ts';
import { talk } from './talk.ts';

let wire: Wire;
afterEach(() => wire.node.stop());

/** Says `count` words of `size` characters, then ends. */
const pouring = flow('pouring', {
  version: 1,
  states: { start: z.object({ count: z.number(), size: z.number() }) },
  stages: {
    *start({ count, size }, { session }) {
      const peer = yield* session('BOB', talk);
      for (let i = 0; i < count; i++) yield* peer.send('say', String(i).padEnd(size, '.'));
    },
  },
});

/** Reads `first` words, sleeps a day, then reads the rest. */
const lazy = (first: number, all: number) =>
  flow('lazy', {
    version: 1,
    responds: talk,
    result: z.array(z.number()),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { initiator, sleep }) {
        const heard: number[] = [];
        while (heard.length < first) heard.push(Number.parseInt((yield* initiator.receive()).body, 10));
        yield* sleep('20 hours');
        while (heard.length < all) heard.push(Number.parseInt((yield* initiator.receive()).body, 10));
        return heard;
      },
    },
  });

async function pour(count: number, size: number, first = 0) {
  wire = await wiredNode({ members: { ALICE: { flows: [pouring] }, BOB: { flows: [lazy(first, count)] } }, shards: 1 });
  return { flowId: (await wire.node.start('ALICE', pouring, { count, size })).flowId };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const sentBy = () => new Set(wire.sent.filter(({ kind }) => kind === 'data').map(({ sequence }) => sequence)).size;

async function resultOfLazy(): Promise<unknown> {
  return (await wire.node.list({ flow: 'lazy' })).flows[0]?.result;
}

describe('a session beyond its credit', () => {
  it('WK17 suspends its sender at 64 unread messages, also after restarts, and lets it go on when they are read', async () => {
    const name = await pour(200, 10);
    await wire.advance('1 hour');
    for (let round = 0; round < 3; round++) {
      expect(await wire.node.describe(name)).toMatchObject({ status: 'RUNNING', waitingOn: { what: 'credit' } });
      expect(sentBy()).toBe(64);
      wire.crash();
      await wire.restart();
      await wire.advance('1 hour');
    }
    await wire.advance('1 day');
    expect(await resultOfLazy()).toEqual(numbers(200));
    expect((await wire.node.get(name)).status).toBe('COMPLETED');
    expect(factsOf(wire.node)).toMatchObject({ sessionLanes: 0, flows: 0 });
  });

  it('WK17 counts bytes that were acknowledged and not read', async () => {
    const name = await pour(30, 100_000);
    await wire.advance('1 hour');
    expect((await wire.node.describe(name)).waitingOn?.what).toBe('credit');
    expect(sentBy()).toBe(11);
    await wire.advance('1 day');
    expect(await resultOfLazy()).toEqual(numbers(30));
  });

  it('WK17 W6 goes on although every word of what was read gets lost, with the network or a crash', async () => {
    const name = await pour(200, 10);
    await wire.advance('19 hours');
    wire.lose(({ kind }) => kind === 'ack');
    // The reader reads what it has; nobody hears of it.
    await wire.advance('90 min');
    expect((await wire.node.describe(name)).waitingOn?.what).toBe('credit');
    wire.lose(() => false);
    await wire.advance('1 min');
    expect(await resultOfLazy()).toEqual(numbers(200));
  });

  it('WK17 a restart in the middle asks what was read and sends no more than that', async () => {
    const name = await pour(200, 10, 40);
    await wire.advance('1 hour');
    expect(sentBy()).toBeLessThanOrEqual(40 + 64);
    expect(sentBy()).toBeGreaterThanOrEqual(32 + 64);
    wire.crash();
    await wire.restart();
    await wire.advance('1 hour');
    expect(sentBy()).toBeLessThanOrEqual(40 + 64);
    expect((await wire.node.describe(name)).waitingOn?.what).toBe('credit');
    await wire.advance('1 day');
    expect(await resultOfLazy()).toEqual(numbers(200));
  });

  it('WK17 a sender whose peer answers nothing any more fails in the end', async () => {
    const name = await pour(200, 10);
    await wire.advance('1 hour');
    wire.lose(() => true);
    await wire.advance('2 days');
    expect(await wire.node.get(name)).toMatchObject({ status: 'FAILED', error: { code: 'WEIR_SESSION_FAILED' } });
  });
});

/** What sessions promise over a network that keeps none of its own promises, and at every place where a node can die. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Fault } from '../../../src/chaos/index.ts';
import { flow, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { crashEverywhere } from '../flow/crash-points.ts';
import { factsOf } from '../flow/wire.ts';
import { caller, codeOf, echo, talk } from './talk.ts';

const words = ['a', 'b', 'c', 'd', 'e'];

const network = {
  lose: [{ type: 'lose', odds: 0.3 }],
  duplicate: [{ type: 'duplicate', on: 'peers', odds: 0.5 }],
  reorder: [{ type: 'reorder', odds: 0.5, by: '700 ms' }],
  everything: [
    { type: 'lose', odds: 0.2 },
    { type: 'duplicate', on: 'peers', odds: 0.3 },
    { type: 'reorder', odds: 0.4, by: '2 s' },
    { type: 'slow', on: 'peers', by: '300 ms', odds: 0.2 },
  ],
} satisfies Record<string, readonly Fault[]>;

/** A protocol with everything: a handshake at its end, and a time for its silence. */
const deal = protocol('deal', {
  version: 1,
  initiator: { bid: z.number() },
  responder: { counter: z.number(), sold: z.number() },
  requireClose: true,
  idle: '2 days',
});

/** Raises its bid until it is taken. */
const bidder = flow('bidder', {
  version: 1,
  result: z.array(z.number()),
  states: { start: z.object({ from: z.number() }) },
  stages: {
    *start({ from }, { session }) {
      const seller = yield* session('BOB', deal);
      const heard: number[] = [];
      for (let bid = from; ; bid++) {
        const { type, body } = yield* seller.sendAndReceive('bid', bid);
        heard.push(body);
        if (type === 'sold') return heard;
      }
    },
  },
});

const auction = flow('auction', {
  version: 1,
  responds: deal,
  result: z.array(z.number()),
  states: { start: z.unknown() },
  stages: {
    *start(_input, { initiator, step }) {
      const bids: number[] = [];
      while (bids.length < 4) {
        const { body } = yield* initiator.receive();
        bids.push(body);
        if (bids.length < 4) yield* initiator.send('counter', body + 1);
      }
      const price = yield* step('sell', () => bids.at(-1) ?? 0);
      yield* initiator.send('sold', price);
      return bids;
    },
  },
});

const members = { ALICE: { flows: [caller, bidder] }, BOB: { flows: [echo, auction] } };

async function results(kit: TestNode) {
  const { flows } = await kit.node().list({ limit: 500 });
  return flows.map(({ flow: name, status, result }) => `${name} ${status} ${JSON.stringify(result)}`).sort();
}

const expected = [
  'auction COMPLETED [7,8,9,10]',
  'bidder COMPLETED [8,9,10,10]',
  'caller COMPLETED ["a!","b!","c!","d!","e!"]',
  'echo COMPLETED "ALICE: a b c d e (WEIR_SESSION_CLOSED)"',
];

async function startBoth(kit: TestNode): Promise<void> {
  const start = { peer: 'BOB', words };
  await kit.node().start('ALICE', caller, start, { clientRequestId: 'caller' });
  await kit.node().start('ALICE', bidder, { from: 7 }, { clientRequestId: 'bidder' });
}

describe('sessions over a bad network', () => {
  const seeds = Array.from({ length: 8 }, (_, index) => index + 1);
  it.each(Object.entries(network).flatMap(([name, faults]) => seeds.map((seed) => [name, seed, faults] as const)))(
    'SM7 SM8 SM10 SM12 each message is read once and in order, and nothing is left (%s, seed %i)',
    async (_name, seed, faults) => {
      const kit = await testNode({ members, shards: 3, seed });
      for (const fault of faults) kit.inject(fault);
      await startBoth(kit);
      await kit.advance('1 hour');
      expect(await results(kit)).toEqual(expected);
      // Those that the faults have kept from being told are told by what is sent again.
      for (let shard = 0; shard < 3; shard++) {
        expect(factsOf(kit.node(), shard)).toMatchObject({ flows: 0, sessionLanes: 0, unacknowledgedSessions: 0 });
      }
      const strikes = Object.values(kit.chaos().struck()).reduce((sum, count) => sum + count, 0);
      expect(strikes).toBeGreaterThan(2);
      await kit.stop();
    },
  );
});

describe('a node that dies while flows talk', () => {
  it.each([
    ['a good network', []],
    ['one that loses, repeats and reorders', network.everything],
  ] as const)(
    'SM7 SM8 SM10 reads each message once and in order, at whichever commit it dies, over %s',
    async (_what, faults) => {
      const runs = await crashEverywhere({
        settings: () => ({ members, shards: 1, seed: 3 }),
        async start(kit) {
          if (kit.crashes === 0) for (const fault of faults) kit.inject(fault);
          await startBoth(kit);
        },
        outcome: results,
      });
      expect(runs.expected).toEqual(expected);
      expect(runs.different).toEqual([]);
      expect(runs.points).toBeGreaterThan(25);
    },
  );

  it('SM7 SM8 the same where every message between shards goes through the log', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members, shards: 2, forceLogRoute: true }),
      start: startBoth,
      outcome: results,
    });
    expect(runs.expected).toEqual(expected);
    expect(runs.different).toEqual([]);
    expect(runs.points).toBeGreaterThan(30);
  });
});

describe('what is left of sessions', () => {
  it('SM12 nothing, after thousands that ended in every way there is', async () => {
    const ways = ['normal', 'fails', 'silent', 'late'] as const;
    const talking = flow('talking', {
      version: 1,
      result: z.string(),
      states: { start: z.enum(ways) },
      stages: {
        *start(way, { session, sleep }) {
          const peer = yield* session('BOB', talk);
          yield* peer.send('say', way);
          if (way === 'late') {
            yield* sleep('1 min');
            yield* peer.send('say', 'into the void');
          }
          return yield* codeOf(peer.receive());
        },
      },
    });
    const unanswered = flow('unanswered', {
      version: 1,
      result: z.string(),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session }) {
          const peer = yield* session('BOB', protocol('nobody', talk));
          return yield* codeOf(peer.sendAndReceive('say', 'hello'));
        },
      },
    });
    const hearing = flow('hearing', {
      version: 1,
      responds: talk,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator, sleep, failed }) {
          const { body: way } = yield* initiator.receive();
          if (way === 'fails') return failed('no');
          if (way === 'silent') yield* sleep('3 days');
          if (way === 'normal') yield* initiator.send('reply', 'yes');
          return undefined;
        },
      },
    });
    const kit = await testNode({
      members: { ALICE: { flows: [talking, unanswered, bidder] }, BOB: { flows: [hearing, auction] } },
      shards: 2,
      ...{ retention: '1 day', hospital: '1 day', idle: '2 days' },
    });
    const each = 250;
    const node = kit.node();
    const starts = Array.from({ length: each }, () => [
      ...ways.map((way) => node.start('ALICE', talking, way)),
      node.start('ALICE', unanswered, null),
      node.start('ALICE', bidder, { from: 1 }),
    ]);
    await Promise.all(starts.flat());
    await kit.advance('10 min');
    const sum = (name: string): number => [0, 1].reduce((all, shard) => all + Number(factsOf(node, shard)[name]), 0);
    // Those who wait for somebody who is silent, and those who are.
    expect([sum('started'), sum('flows')]).toEqual([11 * each, 2 * each]);
    const seen: string[] = [];
    for (const status of ['COMPLETED', 'RUNNING'] as const) {
      const { flows } = await node.list({ flow: 'talking', status, limit: 500 });
      seen.push(...flows.map(({ result }) => String(result)));
    }
    expect(new Set(seen)).toEqual(new Set(['none', 'WEIR_SESSION_FAILED', 'WEIR_SESSION_CLOSED', 'undefined']));
    await kit.advance('5 days');
    for (const name of ['flows', 'remembered', 'sessionLanes', 'unacknowledgedSessions']) {
      expect([name, sum(name)]).toEqual([name, 0]);
    }
    await kit.stop();
    // The log holds nothing of them either: what is left is the shard's own, and the head of its audit.
    for (const partition of [0, 1]) {
      const claim = await kit.cluster.worker('reader').claim({ topic: 'flow.state', partition });
      const keys: string[] = [];
      for await (const chunk of claim.restore()) keys.push(...chunk.map(({ key }) => key.split('/')[0] ?? ''));
      expect([...new Set(keys)].filter((kind) => kind === 'c' || kind === 'j' || kind === 'i' || kind === 'o')).toEqual(
        [],
      );
    }
  }, 60_000);
});

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type NodeSettings } from '../../../src/index.ts';
import { factsOf, member, messageFrom, type Wire, wiredNode } from '../flow/wire.ts';
import { echo, talk } from './talk.ts';

let wire: Wire;
afterEach(() => wire.node.stop());

/** Says so many words, then ends. */
const speaking = flow('speaking', {
  version: 1,
  states: { start: z.object({ count: z.number() }) },
  stages: {
    *start({ count }, { session }) {
      const peer = yield* session('BOB', talk);
      for (let i = 0; i < count; i++) yield* peer.send('say', String(i));
    },
  },
});

/** Sessions of so many words each, to a peer to whom nothing gets through. */
async function unheard(words: readonly number[], settings: Partial<NodeSettings> = {}): Promise<void> {
  const members = { ALICE: { flows: [speaking] }, BOB: { flows: [echo] } };
  wire = await wiredNode({ members, shards: 1, ...settings });
  wire.lose(({ destinationName }) => destinationName === 'BOB');
  for (const count of words) await wire.node.start('ALICE', speaking, { count });
  await wire.advance(0);
}

/** What has been sent to BOB since it was asked last: sequences, in order. */
function sequences(): number[] {
  const toBob = wire.sent.filter(({ destinationName }) => destinationName === 'BOB');
  wire.sent.length = 0;
  return toBob.map(({ sequence }) => sequence);
}

/** Seconds between the times at which something was sent, until `seconds` have passed. */
async function pauses(seconds: number): Promise<number[]> {
  const found: number[] = [];
  let since = 0;
  sequences();
  for (let passed = 0; passed < seconds; passed += 0.25) {
    await wire.advance(250);
    since += 0.25;
    if (sequences().length === 0) continue;
    found.push(since);
    since = 0;
  }
  return found;
}

/** Any message of BOB: it has nothing to do with what waits for it. */
const signOfLife = () =>
  wire.deliver(
    messageFrom(member('BOB'), member('ALICE'), {
      ...{ session: 'another', created: wire.clock.now(), kind: 'ack', sequence: 0, received: 1, consumed: 1 },
    }),
  );

describe('messages that nobody acknowledges', () => {
  it('LD6 are sent again after pauses that double, and from 30 s on are the same', async () => {
    await unheard([1]);
    const found = await pauses(200);
    const plain = [1, 2, 4, 8, 16, 30, 30, 30];
    expect(found.length).toBeGreaterThanOrEqual(plain.length);
    // A quarter of spread, and a quarter of a second at which it is looked.
    for (const [at, pause] of plain.entries()) {
      expect(found[at]).toBeGreaterThanOrEqual(0.75 * pause - 0.25);
      expect(found[at]).toBeLessThanOrEqual(1.25 * pause + 0.5);
    }
  });

  it('LD6 are asked after by the oldest of their session, and all arrive when the peer is there', async () => {
    await unheard([40]);
    expect(sequences()).toContain(40);
    await wire.advance('2 min');
    expect(Math.max(...sequences())).toBe(16);
    wire.lose(() => false);
    await wire.advance('40 s');
    expect(sequences()).toContain(40);
    await wire.advance('2 min');
    expect(sequences()).toEqual([]);
    expect((await wire.node.list({ flow: 'echo' })).flows[0]?.result).toMatch(/^ALICE: 0 /);
  });

  it('LD6 go at once when the peer is heard that was silent, each session its own', async () => {
    await unheard([1, 1, 1]);
    await wire.advance('5 min');
    sequences();
    wire.lose(() => false);
    signOfLife();
    await wire.advance(1);
    expect((await wire.node.list({ flow: 'echo' })).flows).toHaveLength(3);
  });

  it('LD6 are not sent more often because the peer talks of other things', async () => {
    await unheard([1]);
    for (let second = 0; second < 60; second++) {
      signOfLife();
      await wire.advance('500 ms');
    }
    // Once in a first pause at most, as if it had just been lost.
    expect(sequences().length).toBeLessThanOrEqual(1 + 30);
  });

  it('LD6 have eight tries and more before they expire, however short that time is', async () => {
    await unheard([1], { redeliver: '20 s' });
    await wire.advance('19 s');
    expect(sequences().length).toBeGreaterThan(8);
    await wire.advance('10 s');
    sequences();
    await wire.advance('1 min');
    expect(sequences()).toEqual([]);
  });

  it('SM7 that are repeated are acknowledged again, and nothing is written for it', async () => {
    await unheard([1]);
    wire.lose(() => false);
    await wire.advance('10 s');
    const first = wire.sent.find(({ destinationName, sequence }) => destinationName === 'BOB' && sequence === 1);
    if (first === undefined) throw new Error('nothing was sent to BOB');
    const { commits } = factsOf(wire.node);
    wire.sent.length = 0;
    for (let repeat = 0; repeat < 5; repeat++) wire.deliver(first);
    await wire.advance('10 s');
    expect(wire.sent.filter(({ kind, destinationName }) => kind === 'ack' && destinationName === 'ALICE')).toHaveLength(
      5,
    );
    expect(factsOf(wire.node)).toMatchObject({ commits });
  });
});

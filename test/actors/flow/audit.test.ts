/** The audit: one entry for each act, chained, in the commit of the act, for as long as its window. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import { auditHash, canonicalBytes, decodeValue, encodeValue, hex } from '../../../src/persistence/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { type Audited, audited, inWords } from './audited.ts';
import { nodeOf, scripted } from './scripts.ts';
import { tradingFlows } from './trading.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** A flow whose step cannot do with a negative amount. */
const ship = flow('ship', {
  version: 3,
  states: { start: z.object({ amount: z.number() }) },
  result: z.string(),
  stages: {
    *start({ amount }, { step }) {
      return yield* step('send', () => {
        if (amount < 0) throw new TypeError('negative');
        return `sent ${amount}`;
      });
    },
  },
});

async function stuck() {
  kit = await testNode({ members: { A: { flows: [ship] } }, shards: 1 });
  const { flowId } = await kit.node().start('A', ship, { amount: -1 }, { clientRequestId: 'r1' });
  await kit.advance('1 s');
  return { flowId };
}

describe('SM5 SM17 what is audited', () => {
  it('is who started a flow, and how it ended', async () => {
    kit = await testNode({ members: { A: { flows: [ship] } }, shards: 1 });
    const { flowId } = await kit.node().start('A', ship, { amount: 2 }, { clientRequestId: 'r1' });
    await kit.advance('1 s');
    const { entries } = await audited(kit);
    expect(inWords(entries)).toEqual(['start by local:embedder', 'end COMPLETED by weir']);
    const [start, end] = entries;
    const about = { flowId, flow: 'ship', version: 3, memberName: 'A', memberGroup: 'default', clientRequestId: 'r1' };
    expect(start).toMatchObject({ ...about, principalKind: 'client', before: null });
    expect(end).toMatchObject({ ...about, principalKind: 'system', before: null });
    // Inputs and results are named by their hashes, and not kept twice.
    expect(hex(start?.after?.hash ?? new Uint8Array())).toBe(hex(auditHash(canonicalBytes({ amount: 2 }))));
    expect(hex(end?.after?.hash ?? new Uint8Array())).toBe(hex(auditHash(encodeValue('sent 2', 'a result'))));
    expect([start?.after?.value.length, end?.after?.value.length]).toEqual([0, 0]);
  });

  it('is what a session starts, in the name of the member that opened it', async () => {
    const { buy, sell } = tradingFlows();
    kit = await testNode({ members: { BUYER: { flows: [buy] }, SELLER: { flows: [sell] } }, shards: 1 });
    await kit.node().start('BUYER', buy, { seller: 'SELLER', item: 'x', price: 1n });
    await kit.advance('1 s');
    const { entries } = await audited(kit);
    const start = entries.find(({ act, flow: name }) => act === 'start' && name === 'sell');
    expect(start).toMatchObject({ principal: 'member:BUYER', principalKind: 'member', memberName: 'SELLER' });
    expect(start?.reason).toMatch(/^session /);
  });

  it('is a retry, with the operation that is tried again', async () => {
    const name = await stuck();
    await kit.node().retry(name, 'once more');
    await kit.advance('1 s');
    expect(inWords((await audited(kit)).entries)).toEqual([
      'start by local:embedder',
      'retry step "send" by local:embedder once more',
    ]);
  });

  it('is a retry with another state, with both states', async () => {
    const name = await stuck();
    await kit.node().retryWith(name, { amount: 5 }, 'a typing mistake');
    await kit.advance('1 s');
    const { entries } = await audited(kit);
    expect(inWords(entries)).toEqual([
      'start by local:embedder',
      'retry with another state stage "start" by local:embedder a typing mistake',
      'end COMPLETED by weir',
    ]);
    const [start, edit] = entries;
    expect(edit?.before?.hash).toEqual(start?.after?.hash);
    expect(decodeValue(edit?.before?.value ?? new Uint8Array())).toEqual({ amount: -1 });
    expect(decodeValue(edit?.after?.value ?? new Uint8Array())).toEqual({ amount: 5 });
  });

  it('is a skip, with the operation and the result given', async () => {
    const name = await stuck();
    await kit.node().skip(name, 'by hand', 'the courier took it');
    await kit.advance('1 s');
    const { entries } = await audited(kit);
    expect(inWords(entries)[1]).toBe('skip step "send" by local:embedder the courier took it');
    expect(decodeValue(entries[1]?.after?.value ?? new Uint8Array())).toBe('by hand');
  });

  it('is a kill, by an operator or by the deadline of the hospital', async () => {
    const name = await stuck();
    await kit.node().kill(name, 'wrong order');
    await kit.node().start('A', ship, { amount: -2 });
    await kit.advance('8 days');
    expect(inWords((await audited(kit)).entries)).toEqual([
      'start by local:embedder',
      'kill by local:embedder wrong order',
      'end KILLED by weir killed: wrong order KILLED',
      'start by local:embedder',
      "end KILLED by weir killed: nobody acted before the hospital's deadline KILLED",
    ]);
  });

  it('is nothing that was refused', async () => {
    const name = await stuck();
    await expect(kit.node().retryWith(name, { amount: 'five' }, 'oops')).rejects.toThrow();
    await expect(kit.node().start('A', ship, { amount: 7 }, { clientRequestId: 'r1' })).rejects.toThrow();
    await kit.node().start('A', ship, { amount: -1 }, { clientRequestId: 'r1' });
    expect((await audited(kit)).entries.map(({ act }) => act)).toEqual(['start']);
  });

  it('keeps large values by hash alone, and text that is no text as what can be written', async () => {
    const any = scripted('any', function* ({ step }) {
      return yield* step('fail', () => {
        throw new TypeError('always');
      });
    });
    kit = await nodeOf([any]);
    const { flowId } = await kit.node().start('A', any, 'small', { clientRequestId: 'half \ud83d a pair' });
    await kit.advance('1 s');
    await kit.node().skip({ flowId }, 'x'.repeat(100_000), `${'r'.repeat(999)}\u{1f600} and more`);
    await kit.advance('1 s');
    const { entries } = await audited(kit);
    expect(entries[1]?.after).toMatchObject({ size: 100_005, value: new Uint8Array() });
  });
});

describe('SM17 the chain', () => {
  const quick = scripted('quick', function* () {});
  const start = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => kit.node().start('A', quick, null)));
    await kit.advance(0);
  };

  it('goes on over crashes, and over shards that move', async () => {
    kit = await nodeOf([quick], { shards: 2, workers: 2 });
    for (let round = 0; round < 6; round++) {
      const started = kit.node(round % 2).start('A', quick, null);
      await kit.advance('1 s');
      await started;
      if (round % 3 === 0) {
        kit.crash(1);
        await kit.restart(1);
      }
      await kit.move(round % 2, round % 2, { rude: round > 3 });
      await kit.advance('1 min');
    }
    const { entries } = await audited(kit);
    expect(entries.map(({ act }) => act).sort()).toEqual([...Array(6).fill('end'), ...Array(6).fill('start')]);
  });

  it('loses its oldest entries after the window, and can be verified from the anchor on', async () => {
    kit = await nodeOf([quick], { retention: '1 hour', audit: '4 days' });
    await start(700);
    await kit.advance('2 days');
    await start(300);
    expect((await audited(kit)).entries).toHaveLength(2_000);
    kit.crash();
    await kit.restart();
    await kit.advance('52 hours');
    const late = await audited(kit);
    expect(late.entries).toHaveLength(600);
    expect(late.anchors.get(0)?.number).toBe(1_400);
    await start(1);
    expect((await audited(kit)).entries.at(-1)?.number).toBe(2_002);
  });

  it('leaves nothing behind when nothing more happens, also over restarts', async () => {
    kit = await nodeOf([quick], { retention: '1 hour', audit: '4 days' });
    await start(3);
    const left = async (): Promise<Audited> => audited(kit);
    for (let day = 0; day < 3; day++) {
      await kit.advance('1 day');
      kit.crash();
      await kit.restart();
    }
    expect((await left()).entries).toHaveLength(6);
    await kit.advance('2 days');
    expect((await left()).entries).toEqual([]);
    await start(1);
    expect((await left()).entries.map(({ number }) => number)).toEqual([7, 8]);
    expect(factsOfShard()).toMatchObject({ audit: 2 });
  });

  function factsOfShard(): unknown {
    const shards = kit
      .node()
      .tree()
      .flatMap(function all(actor): (typeof actor)[] {
        return [actor, ...actor.children.flatMap(all)];
      });
    return shards.find(({ path }) => path.endsWith('/shard-0'))?.facts;
  }
});

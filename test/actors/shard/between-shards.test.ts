import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { partitionOf } from '../../../src/actors/shard/index.ts';
import { decodeRouted, encodeRouted } from '../../../src/actors/shard/protocol.ts';
import { flow } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { nodeOf } from '../flow/scripts.ts';
import { factsOf } from '../flow/wire.ts';
import { sleeper, tally } from './programs.ts';

let kit: TestNode;
afterEach(() => kit.stop());

function record(partition: number, value: Uint8Array): Promise<void> {
  return kit.cluster.worker('outsider').append('flow.events', partition, [{ key: 'x', value }]);
}

function claimed(topic: string, partition: number) {
  return kit.cluster.worker('outsider').claim({ topic, partition });
}

describe('between shards', () => {
  it('WK18 repeats are acknowledged, gaps are dropped and asked for again, each delivery with one answer', async () => {
    kit = await nodeOf([sleeper], { shards: 2, forceLogRoute: true });
    const outsider = kit.cluster.worker('outsider');
    await outsider.join('flow', 2, { assigned: () => undefined, revoked: () => Promise.resolve() });
    /** Shard 1 runs nowhere: it would know that it has sent nothing of what comes in its name. */
    const apart = async (): Promise<void> => {
      await kit.advance('1 s');
      const moves = Promise.all([kit.cluster.move('flow', 1, 'outsider'), kit.move(0, 0)]);
      await kit.advance('1 s');
      await moves;
    };
    await apart();
    const acks: Array<readonly [number, boolean]> = [];
    outsider.tail('flow.events', 1, 0, (records) => {
      for (const { value } of records) {
        const message = decodeRouted(value);
        if (message.type === 'ack' && message.from === 0) acks.push([message.number, message.resend]);
      }
    });
    const deliver = async (...numbers: number[]) => {
      const entries = numbers.map((number) => ({ number, bytes: new Uint8Array([number]) }));
      acks.length = 0;
      await record(0, encodeRouted({ type: 'delivery', from: 1, entries }));
      await kit.advance(0);
      return [...acks];
    };
    expect(await deliver(1, 2)).toEqual([[2, false]]);
    expect(await deliver(1, 2)).toEqual([[2, false]]);
    expect(await deliver(4, 5, 6)).toEqual([[2, true]]);
    expect(await deliver(2, 3)).toEqual([
      [2, false],
      [3, false],
    ]);
    // After a takeover only what is durable is acknowledged, which is all that was.
    await kit.stop();
    await kit.restart();
    await apart();
    expect(await deliver(3)).toEqual([[3, false]]);
    expect(await deliver(9)).toEqual([[3, true]]);
    expect(await deliver(4)).toEqual([[4, false]]);
  });

  it('WK5 one of which more was taken than it has ever sent has lost commits, and stops', async () => {
    kit = await nodeOf([sleeper], { shards: 2 });
    // What its first owner sent is gone with it, and shard 1 has it.
    await record(0, encodeRouted({ type: 'ack', from: 1, number: 3, resend: false }));
    await kit.advance('1 s');
    const stopped = { restarts: 1, lastFailure: expect.stringContaining('shard-0 failed and could not be helped') };
    expect(kit.node().status().services[0]).toMatchObject(stopped);
  });

  it('WK5 a shard of which more was taken than its later owner began with has lost commits, and its receiver stops', async () => {
    kit = await nodeOf([sleeper], { shards: 2, forceLogRoute: true });
    const outsider = kit.cluster.worker('outsider');
    await outsider.join('flow', 2, { assigned: () => undefined, revoked: () => Promise.resolve() });
    const moves = Promise.all([kit.cluster.move('flow', 1, 'outsider'), kit.move(0, 0)]);
    await kit.advance('1 s');
    await moves;
    const deliver = async (numbers: readonly number[], counter: number, since: number): Promise<void> => {
      const entries = numbers.map((number) => ({ number, bytes: new Uint8Array([number]) }));
      await record(
        0,
        encodeRouted({
          type: 'delivery',
          from: 1,
          entries,
          origin: { incarnation: 1, counter, owner: counter, since },
        }),
      );
      await kit.advance(0);
    };
    const service = () => kit.node().status().services[0];
    await deliver([1, 2], 11, 0);
    await deliver([3], 12, 2);
    // One that was under way for long.
    await deliver([1, 2], 11, 0);
    expect(service()).toMatchObject({ restarts: 0 });
    await deliver([3, 4], 13, 2);
    await kit.advance('1 s');
    expect(service()?.restarts).toBeGreaterThan(0);
    expect(service()).toMatchObject({ lastFailure: expect.stringContaining('failed and could not be helped') });
  });

  it('W1 what was meant for the owner that came after it tells a former owner nothing of its own commits', async () => {
    kit = await nodeOf([sleeper], { shards: 2 });
    // The node does not know yet that somebody else has the shard, and sends from it.
    const claim = await claimed('flow.state', 0);
    const sent = [1, 2, 3].map((number) => ({ key: `o/1/${number}`, value: new Uint8Array([number]) }));
    await claim.commit({ records: sent, publications: [] });
    await record(0, encodeRouted({ type: 'ack', from: 1, number: 3, resend: false }));
    await kit.advance('1 s');
    expect(kit.node().status().services[0]?.restarts).toBe(0);
  });

  it.each([false, true])('WK17 two shards that fill each other drain (through the log: %s)', async (forceLogRoute) => {
    const pusher = flow('pusher', {
      version: 1,
      states: { start: z.object({ keys: z.array(z.string()), rounds: z.number() }) },
      stages: {
        *start({ keys, rounds }, { actor }) {
          for (let i = 0; i < rounds; i++)
            for (const key of keys) yield* actor(tally, key).tell('blob', 'x'.repeat(100_000));
        },
      },
    });
    kit = await testNode({ members: { A: { flows: [pusher], actors: [tally] } }, shards: 2, forceLogRoute });
    const keys = Array.from({ length: 4 }, (_, i) => `k${i}`);
    const starts = await Promise.all(
      Array.from({ length: 8 }, () => kit.node().start('A', pusher, { keys, rounds: 20 })),
    );
    await kit.advance('10 min');
    expect(await Promise.all(starts.map(async (start) => (await start.view()).status))).toEqual(
      Array(8).fill('COMPLETED'),
    );
    const sums = await Promise.all(keys.map((key) => kit.node().ask('A', tally, key, 'add', 0)));
    expect(sums).toEqual(Array(4).fill(160));
    expect([0, 1].map((shard) => factsOf(kit.node(), shard).unacknowledged)).toEqual([0, 0]);
  });

  it('WK17 W7 more than 4 MiB on the way to a shard that is away hold its senders back, and nothing is lost', async () => {
    const pusher = flow('pusher', {
      version: 1,
      states: { start: z.object({ key: z.string() }) },
      stages: {
        *start({ key }, { actor }) {
          for (let i = 0; i < 60; i++) yield* actor(tally, key).tell('blob', 'x'.repeat(200_000));
        },
      },
    });
    kit = await testNode({ members: { A: { flows: [pusher], actors: [tally] } }, shards: 2, workers: 2 });
    await kit.advance('1 s');
    // Whatever worker 1 runs is away after its crash, until it is started again.
    const other = kit.ownerOf(0) === 1 ? 0 : 1;
    const here = 1 - other;
    let key = '';
    let requestId = '';
    const { actorAddress, clientRoutingKey } = await import('../../../src/actors/flow/protocol.ts');
    const member = { name: 'A', group: 'default' };
    for (let i = 0; key === '' || requestId === ''; i++) {
      if (key === '' && partitionOf(actorAddress(member, 'tally', `k${i}`), 2) === other) key = `k${i}`;
      if (requestId === '' && partitionOf(clientRoutingKey(member, `r${i}`), 2) === here) requestId = `r${i}`;
    }
    const owner = kit.ownerOf(here) ?? 0;
    const away = kit.ownerOf(other) ?? 1;
    expect(owner).not.toBe(away);
    // Frozen as with SIGSTOP: it keeps its shard and takes nothing.
    kit.cluster.freeze(`worker-${away}`);
    const handle = await kit.node(owner).start('A', pusher, { key }, { clientRequestId: requestId });
    await kit.advance('1 min');
    expect(await kit.node(owner).describe({ flowId: handle.flowId })).toMatchObject({
      status: 'RUNNING',
      waitingOn: { what: 'room' },
    });
    const waiting = factsOf(kit.node(owner), here).unacknowledged;
    expect(waiting).toBeGreaterThan(20);
    expect(waiting).toBeLessThan(25);
    kit.cluster.thaw(`worker-${away}`);
    await kit.advance('5 min');
    expect((await handle.view()).status).toBe('COMPLETED');
    expect(await kit.node(away).ask('A', tally, key, 'add', 0)).toBe(60);
  });
});

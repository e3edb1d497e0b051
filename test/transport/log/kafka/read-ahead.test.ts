/** Shards that are read by the worker that is to have them while another one still runs them. */
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../../src/ports/index.ts';
import { silentLogger } from '../../../../src/ports/logger.ts';
import { takeOver } from '../../../../src/transport/log/kafka/claiming.ts';
import type { KafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { Patience } from '../../../../src/transport/log/kafka/patience.ts';
import { ReadAhead, type ReadSoFar } from '../../../../src/transport/log/kafka/read-ahead.ts';
import type { KafkaWire } from '../../../../src/transport/log/kafka/wire.ts';
import type { Claim, LogRecord, StatePreview } from '../../../../src/transport/log/port.ts';
import { forwarding } from './fencing/forwarding.ts';
import { hourMs, kafkaWorld, shard, stateTopic, type World } from './world.ts';

/**
 * A worker in the group of the shard's topic, which claims what it is given and releases what it is to give up. That it
 * has done so it says `lingerMs` later.
 */
async function member(world: World, name: string, lingerMs = 0) {
  const fetched: number[] = [];
  const wire = forwarding(world.broker.connect(name));
  const watched: KafkaWire = {
    ...wire,
    fetch: (request) => {
      if (request.topic === stateTopic) fetched.push(request.offset);
      return wire.fetch(request);
    },
  };
  const log: KafkaLog = world.worker(name, { wire: watched });
  const runs = new Map<number, Promise<Claim>>();
  const told: string[] = [];
  const membership = await log.join(
    'flow',
    2,
    {
      assigned(partitions) {
        for (const partition of partitions) {
          const claiming = log.claim({ ...shard, partition });
          claiming.catch(() => undefined);
          told.push(`run ${partition}`);
          runs.set(partition, claiming);
        }
      },
      async revoked(partitions) {
        for (const partition of partitions) {
          told.push(`give up ${partition}`);
          const claim = await runs.get(partition);
          runs.delete(partition);
          await claim?.release();
          if (lingerMs > 0) await new Promise<void>((resolve) => void world.clock.after(lingerMs, resolve));
        }
      },
    },
    shard.topic,
  );
  return { log, membership, runs, told, fetched };
}

type Member = Awaited<ReturnType<typeof member>>;

async function owning(world: World, name: string, lingerMs?: number): Promise<{ owner: Member; claim: Claim }> {
  const owner = await member(world, name, lingerMs);
  await world.clock.advance(1_000);
  const claim = await world.run(owner.runs.get(0) ?? Promise.reject(new Error('it owns nothing')));
  return { owner, claim };
}

async function commits(world: World, claim: Claim, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n += 1) await world.commit(claim, { [`k${n}`]: String(n) });
}

function values(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, String(n)]));
}

describe('a shard that moves', () => {
  it('WK4 WK9 is read while its owner runs it: the claim reads what came last, and nothing twice', async () => {
    const world = await kafkaWorld();
    const { claim } = await owning(world, 'a');
    await commits(world, claim, 0, 50);
    const end = world.broker.log(stateTopic, 0)?.highWatermark ?? 0;
    const next = await member(world, 'b');
    next.log.pull('flow', 0);
    await world.clock.advance(5_000);
    const moved = await world.run(next.runs.get(0) ?? Promise.reject(new Error('it did not move')));
    expect(await world.restored(moved)).toEqual(values(50));
    expect(next.fetched.filter((offset) => offset === 0)).toHaveLength(1);
    expect(next.fetched.at(-1)).toBeGreaterThan(end);
  });

  it('WK4 is run by its owner until it is read, and its commits go on meanwhile', async () => {
    const world = await kafkaWorld();
    const { owner, claim } = await owning(world, 'a');
    let held = true;
    world.faults(({ client, api, about }) =>
      held && client === 'b' && api === 'fetch' && about === stateTopic ? 'lost' : 'ok',
    );
    const next = await member(world, 'b');
    next.log.pull('flow', 0);
    await world.clock.advance(5_000);
    expect([owner.runs.has(0), next.runs.has(0)]).toEqual([true, false]);
    await commits(world, claim, 0, 3);
    held = false;
    await world.clock.advance(40_000);
    expect([owner.runs.has(0), next.runs.has(0)]).toEqual([false, true]);
    expect(await world.restored(await world.run(next.runs.get(0) ?? Promise.reject()))).toEqual(values(3));
  });

  it('WK4 moves all the same when it cannot be read ahead in time', async () => {
    const world = await kafkaWorld({ requestTimeoutMs: 1_000 });
    const { owner, claim } = await owning(world, 'a');
    await commits(world, claim, 0, 3);
    let released = false;
    world.faults(({ client, api, about }) =>
      !released && client === 'b' && api === 'fetch' && about === stateTopic ? 'lost' : 'ok',
    );
    const next = await member(world, 'b');
    next.log.pull('flow', 0);
    await world.clock.advance(12_000);
    expect(owner.runs.has(0)).toBe(false);
    released = true;
    await world.clock.advance(5_000);
    expect(await world.restored(await world.run(next.runs.get(0) ?? Promise.reject()))).toEqual(values(3));
  });

  it('WK4 is claimed once, and read once, though its former owner is slow to say that it runs it no more', async () => {
    const world = await kafkaWorld();
    const { claim } = await owning(world, 'a', 3_000);
    await commits(world, claim, 0, 20);
    const next = await member(world, 'b');
    await world.clock.advance(15_000);
    next.told.length = 0;
    next.fetched.length = 0;
    next.log.pull('flow', 0);
    await world.clock.advance(15_000);
    expect(next.told.filter((what) => what.endsWith(' 0'))).toEqual(['run 0']);
    expect(next.fetched.filter((offset) => offset === 0)).toHaveLength(1);
    expect(await world.restored(await world.run(next.runs.get(0) ?? Promise.reject()))).toEqual(values(20));
  });

  it('WK9 of a worker that leaves is read by the others first', async () => {
    const world = await kafkaWorld();
    const { owner, claim } = await owning(world, 'a');
    await commits(world, claim, 0, 20);
    const next = await member(world, 'b');
    await world.clock.advance(5_000);
    await world.run(owner.membership.leave());
    await world.clock.advance(1_000);
    const moved = await world.run(next.runs.get(0) ?? Promise.reject());
    expect(await world.restored(moved)).toEqual(values(20));
    expect(next.fetched.filter((offset) => offset === 0).length).toBeLessThanOrEqual(2);
  });

  it('WK4 FE13 whose owner dies while it is read goes to whoever has read it', async () => {
    const world = await kafkaWorld();
    const { claim } = await owning(world, 'a');
    await commits(world, claim, 0, 20);
    const next = await member(world, 'b');
    next.log.pull('flow', 0);
    await world.clock.advance(600);
    world.broker.crash('a');
    await world.clock.advance(20_000);
    expect(await world.restored(await world.run(next.runs.get(0) ?? Promise.reject()))).toEqual(values(20));
  });

  it('WK4 FE13 stays with its owner when the worker dies that reads it', async () => {
    const world = await kafkaWorld();
    const { owner, claim } = await owning(world, 'a');
    await commits(world, claim, 0, 5);
    const next = await member(world, 'b');
    world.faults(({ client, api, about }) =>
      client === 'b' && api === 'fetch' && about === stateTopic ? { delayMs: 2_000 } : 'ok',
    );
    next.log.pull('flow', 0);
    await world.clock.advance(1_500);
    world.broker.crash('b');
    await world.clock.advance(40_000);
    expect([...owner.runs.keys()].sort()).toEqual([0, 1]);
    await commits(world, claim, 5, 1);
  });
});

describe('what was read ahead', () => {
  /** What `b` has read when it waits at the end, and a claim of `b` with it. */
  async function readAhead(world: World) {
    const client = world.broker.connect('b');
    const { clock } = world;
    const common = { wire: client, clock, random: systemRandom(), logger: silentLogger, topic: stateTopic };
    const patience = new Patience(common);
    const limits = { waitMs: 5_000, withinMs: 100 * hourMs };
    const ahead = new ReadAhead({ ...common, ...limits, patience, maxBytes: 4_096 });
    const told: string[] = [];
    const preview = holding();
    ahead.follow(new Set([0]), new Set(), {
      ready: (partition) => told.push(`ready ${partition}`),
      free: (partition) => told.push(`free ${partition}`),
      preview: () => preview,
    });
    /** What the claim holds: what its preview does, and what has changed since. */
    const claim = async (read: ReadSoFar | undefined, own = preview): Promise<Record<string, string>> => {
      const { state } = await world.run(
        takeOver({
          ...{ ...common, patience, shard, incarnation: 1, leaseMs: hourMs, fetchBytes: 4_096 },
          ...{ maxBatchBytes: 1_000_000, ahead: read, preview: own, ended: () => undefined },
        }),
      );
      void own.take(state.changes());
      expect(Object.fromEntries(own.held)).toEqual(contents(state.records()));
      return Object.fromEntries(own.held);
    };
    return { ahead, told, claim, preview };
  }

  /** A preview that keeps values as they are. */
  function holding() {
    const held = new Map<string, string>();
    const preview: StatePreview = {
      take(records) {
        for (const { key, value } of records) {
          if (value === null) held.delete(key);
          else held.set(key, Buffer.from(value).toString());
        }
        return Promise.resolve();
      },
      clear: () => held.clear(),
    };
    return { held, ...preview };
  }

  function contents(records: readonly LogRecord[]): Record<string, string> {
    return Object.fromEntries(records.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]));
  }

  it('WK4 says when it is worth to move, and when its owner has let go, which an older owner did not', async () => {
    const world = await kafkaWorld();
    const first = await world.claim(world.worker('a'));
    await world.run(first.release());
    const second = await world.claim(world.worker('c'));
    const { told } = await readAhead(world);
    await world.clock.advance(1_000);
    expect(told).toEqual(['ready 0']);
    await world.run(second.release());
    await world.clock.advance(1_000);
    expect(told.slice(0, 2)).toEqual(['ready 0', 'free 0']);
  });

  it('W1 is the beginning of what the claim reads', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 10);
    const { ahead, claim, preview } = await readAhead(world);
    await world.clock.advance(1_000);
    await commits(world, owner, 10, 1);
    await world.clock.advance(1_000);
    const read = ahead.take(0);
    await commits(world, owner, 11, 4);
    expect(read?.state.records()).toHaveLength(11);
    expect(preview.held.size).toBe(11);
    expect(await claim(read)).toEqual(values(15));
  });

  it('W1 what changed and what was removed behind it reaches whoever has made something of it', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, claim } = await readAhead(world);
    await world.clock.advance(1_000);
    await world.commit(owner, { k0: null, k1: 'while it is followed' });
    await world.clock.advance(1_000);
    const read = ahead.take(0);
    await world.commit(owner, { k2: null, k3: 'before the claim' });
    expect(await claim(read)).toEqual({ k1: 'while it is followed', k3: 'before the claim', k4: '4' });
  });

  it('W1 is given as a whole to whoever has not seen it come', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, claim, preview } = await readAhead(world);
    await world.clock.advance(1_000);
    const other = holding();
    expect(await claim(ahead.take(0), other)).toEqual(values(5));
    expect(preview.held.size).toBe(0);
  });

  it('W7 takes no memory any more when the shard does not come', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, preview } = await readAhead(world);
    await world.clock.advance(1_000);
    expect(preview.held.size).toBe(5);
    ahead.follow(new Set(), new Set(), { ready: () => undefined, free: () => undefined, preview: () => undefined });
    await world.clock.advance(1_000);
    expect([preview.held.size, ahead.take(0)]).toEqual([0, undefined]);
  });

  it('W1 is thrown away when what it read was cut off, and other records stand there', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, claim } = await readAhead(world);
    await world.clock.advance(1_000);
    const read = ahead.take(0);
    world.broker.electUncleanly(stateTopic, 0, 2);
    // As many as were lost and more, by somebody who has not heard of those.
    const other = await world.claim(world.worker('c'));
    await world.commit(other, { x: '1' });
    await world.commit(other, { x: '2' });
    expect(await claim(read)).toEqual({ ...values(3), x: '2' });
  });

  it('W1 is thrown away when the fence lands below its end', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, claim } = await readAhead(world);
    await world.clock.advance(1_000);
    const read = ahead.take(0);
    world.broker.electUncleanly(stateTopic, 0, 3);
    expect(await claim(read)).toEqual(values(2));
  });

  it('W1 is read anew when that happens while it is followed', async () => {
    const world = await kafkaWorld();
    const owner = await world.claim(world.worker('a'));
    await commits(world, owner, 0, 5);
    const { ahead, claim } = await readAhead(world);
    await world.clock.advance(1_000);
    world.broker.electUncleanly(stateTopic, 0, 2);
    const other = await world.claim(world.worker('c'));
    await commits(world, other, 7, 3);
    await world.clock.advance(10_000);
    const { k3: _, k4: __, k5: ___, k6: ____, ...left } = values(10);
    const read = ahead.take(0);
    expect(read?.state.records()).toHaveLength(6);
    expect(await claim(read)).toEqual(left);
  });

  it.each(['while it is followed', 'before the claim'])(
    'W1 is thrown away when compaction took a removal before it was read, %s',
    async (when) => {
      const world = await kafkaWorld();
      const owner = await world.claim(world.worker('a'));
      await commits(world, owner, 0, 3);
      const { ahead, claim } = await readAhead(world);
      await world.clock.advance(1_000);
      const early = when === 'before the claim' ? ahead.take(0) : undefined;
      world.broker.freeze('b');
      await world.commit(owner, { k1: null });
      for (let round = 0; round < 3; round += 1) {
        await world.clock.advance(26 * hourMs);
        await world.commit(owner, { k2: 'again' });
        world.broker.compact(stateTopic, 0);
      }
      expect(world.batches().some(({ records }) => records.some(({ key }) => key === 'k1'))).toBe(false);
      world.broker.thaw('b');
      await world.clock.advance(60_000);
      expect(await claim(early ?? ahead.take(0))).toEqual({ k0: '0', k2: 'again' });
    },
  );
});

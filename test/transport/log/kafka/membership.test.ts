import { describe, expect, it } from 'vitest';
import type { KafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { kafkaError } from '../../../../src/transport/log/kafka/wire.ts';
import type { Membership } from '../../../../src/transport/log/port.ts';
import { codeOf, commit, kafkaWorld, minuteMs, shard, type World } from './world.ts';

const sessionMs = 10_000;

/** A worker in the group of four partitions, and all that it is told. */
async function joined(world: World, name: string, drain: () => Promise<void> = async () => undefined) {
  const told: string[] = [];
  const running = new Set<number>();
  const log: KafkaLog = world.worker(name);
  const membership: Membership = await log.join('flow', 4, {
    assigned(partitions) {
      told.push(`+${partitions.join(',')}`);
      for (const partition of partitions) running.add(partition);
    },
    async revoked(partitions) {
      told.push(`-${partitions.join(',')}`);
      await drain();
      for (const partition of partitions) running.delete(partition);
    },
  });
  return { log, membership, told, runs: () => [...running].sort().join(',') };
}

describe('membership on Kafka', () => {
  it('WK4 a worker that joins gets its share, and what stays is not touched', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    await world.clock.advance(1_000);
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    expect(a.told).toEqual(['+0,1,2,3', '-2,3']);
    expect(b.told.filter((line) => line !== '+')).toEqual(['+2,3']);
  });

  it('WK4 WK9 what moves is drained first: the new owner hears of it afterwards', async () => {
    const world = await kafkaWorld();
    let drained = (): void => undefined;
    const draining = new Promise<void>((resolve) => {
      drained = resolve;
    });
    const a = await joined(world, 'a', () => draining);
    await world.clock.advance(1_000);
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    expect([a.runs(), b.runs()]).toEqual(['0,1,2,3', '']);
    drained();
    await world.clock.advance(5_000);
    expect([a.runs(), b.runs()]).toEqual(['0,1', '2,3']);
  });

  it('WK4 an owner that does not drain in time loses its partitions all the same', async () => {
    const world = await kafkaWorld();
    await joined(world, 'a', () => new Promise(() => undefined));
    await world.clock.advance(1_000);
    const b = await joined(world, 'b');
    await world.clock.advance(15_000);
    expect(b.runs()).toBe('2,3');
  });

  it('WK9 a worker that leaves has drained, and the others take over at once', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    const kept = b.runs();
    await world.run(a.membership.leave());
    expect(a.runs()).toBe('');
    await world.clock.advance(1_000);
    expect(b.runs()).toBe('0,1,2,3');
    expect(b.told.some((line) => line.startsWith('-') && kept.includes(line.slice(1)))).toBe(false);
  });

  it('WK9 a worker that leaves while the group cannot be reached drains at once: there is nobody to hand over to', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    await joined(world, 'b');
    await world.clock.advance(5_000);
    const before = a.runs();
    world.broker.down();
    const leaving = a.membership.leave();
    await world.clock.advance(1_000);
    expect(a.runs()).toBe(before);
    await world.clock.advance(1_500);
    expect(a.runs()).toBe('');
    await world.run(leaving);
  });

  it('WK9 a worker that leaves hands over all the same when the group was away for a moment', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a', () => new Promise(() => undefined));
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    world.broker.down();
    void a.membership.leave();
    await world.clock.advance(500);
    world.broker.up();
    const told = a.told.length;
    await world.clock.advance(5_000);
    // It was the group that took them.
    expect(a.told.slice(told)).toEqual([`-${a.runs()}`]);
    await world.clock.advance(10_000);
    expect(b.runs()).toBe('0,1,2,3');
  });

  it('WK4 FE13 a worker that dies in silence costs the session timeout, and no more', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    const before = a.runs();
    world.broker.crash('a');
    await world.clock.advance(sessionMs - 2_000);
    expect(b.runs()).not.toContain(before[0]);
    await world.clock.advance(4_000);
    expect(b.runs()).toBe('0,1,2,3');
  });

  it('WK5 a worker that was stopped past its session finds out on its first heartbeat, and its commits are refused', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    await world.clock.advance(1_000);
    const stale = await world.claim(a.log);
    let lost = false;
    stale.onLost(() => {
      lost = true;
    });
    const b = await joined(world, 'b');
    await world.clock.advance(1_000);
    world.broker.freeze('a');
    await world.clock.advance(2 * sessionMs);
    expect(b.runs()).toBe('0,1,2,3');
    const current = await world.claim(b.log);
    world.broker.thaw('a');
    await world.clock.advance(5_000);
    expect(lost).toBe(true);
    expect(await codeOf(stale.commit(commit({ a: 'late' })))).toBe('WEIR_LOG_FENCED');
    await world.commit(current, { a: '1' });
    expect([...a.runs().split(','), ...b.runs().split(',')].sort()).toEqual(['0', '1', '2', '3']);
  });

  it('W6 a partition whose claim was lost is assigned again when the group wants it here', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    await world.clock.advance(1_000);
    a.membership.lost(2);
    await world.clock.advance(1_000);
    expect(a.told).toEqual(['+0,1,2,3', '+2']);
  });

  it('WK4 a worker that is asked to takes a partition over from its owner, and nothing else moves there', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    const wanted = Number(a.runs()[0]);
    b.log.pull('flow', wanted);
    await world.clock.advance(5_000);
    expect(b.runs()).toContain(String(wanted));
    expect(b.runs().split(',').length).toBe(2);
  });

  it('WK13 brokers that are away touch nothing that runs; afterwards everything has an owner', async () => {
    const world = await kafkaWorld();
    const a = await joined(world, 'a');
    const b = await joined(world, 'b');
    await world.clock.advance(5_000);
    const before = [a.runs(), b.runs()];
    const told = a.told.length;
    world.broker.down();
    await world.clock.advance(minuteMs);
    expect(a.told.length).toBe(told);
    world.broker.up();
    await world.clock.advance(minuteMs);
    expect([...a.runs().split(','), ...b.runs().split(',')].sort()).toEqual(['0', '1', '2', '3']);
    expect([a.runs(), b.runs()]).toEqual(before);
  });

  it('W6 survives any refusal of the coordinator', async () => {
    const world = await kafkaWorld();
    let left = 20;
    const codes = [kafkaError.notCoordinator, kafkaError.coordinatorLoading, kafkaError.groupAuthorizationFailed];
    world.faults(({ api }) => (/group|heartbeat/.test(api) && left-- > 0 ? { refuse: codes[left % 3] ?? 0 } : 'ok'));
    const a = await joined(world, 'a');
    await world.clock.advance(minuteMs);
    expect(left).toBeLessThan(0);
    expect(a.runs()).toBe('0,1,2,3');
  });
});

it('WK4 shards of a group are claimed on any worker: membership is only a hint', async () => {
  const world = await kafkaWorld();
  const claim = await world.run(world.worker('stranger').claim(shard));
  await world.commit(claim, { a: '1' });
});

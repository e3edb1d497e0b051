import { describe, expect, it } from 'vitest';
import type { Api } from '../../../../src/transport/log/kafka/model/index.ts';
import type { Membership } from '../../../../src/transport/log/port.ts';
import { kafkaWorld, type World } from './world.ts';

const minuteMs = 60_000;

/** How often each request is sent from now on. */
function counted(world: World): (api: Api) => number {
  const counts = new Map<Api, number>();
  world.faults(({ api }) => {
    counts.set(api, (counts.get(api) ?? 0) + 1);
    return 'ok';
  });
  return (api) => counts.get(api) ?? 0;
}

const record = (key: string) => ({ key, value: Buffer.from('1') });

describe('an idle worker on Kafka', () => {
  it('MO5 knows where a partition ends without asking while a tail waits there', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    await world.run(log.append('flow.events', 0, [record('1'), record('2')]));
    const tail = log.tail('flow.events', 0, 0, () => undefined);
    await world.clock.advance(0);
    const count = counted(world);
    expect(await world.run(log.end('flow.events', 0))).toBe(2);
    await world.run(log.append('flow.events', 0, [record('3')]));
    await world.clock.advance(0);
    expect(await world.run(log.end('flow.events', 0))).toBe(3);
    expect(count('offset')).toBe(0);
    tail.close();
    expect(await world.run(log.end('flow.events', 0))).toBe(3);
    expect(count('offset')).toBe(1);
  });

  it('MO5 asks while a tail is held back: more may have come', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    await world.run(log.append('flow.events', 0, [record('1')]));
    log.tail('flow.events', 0, 0, () => new Promise(() => undefined));
    await world.clock.advance(0);
    await world.run(log.append('flow.events', 0, [record('2')]));
    expect(await world.run(log.end('flow.events', 0))).toBe(2);
  });

  it('WK4 is heard of less often in a group that shares nothing out, and stays in it', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    const listener = { assigned: () => undefined, revoked: () => Promise.resolve() };
    let given = -1;
    const joined: Membership = await log.join('workers', 0, {
      ...listener,
      assigned: (partitions) => {
        given = partitions.length;
      },
    });
    await world.clock.advance(1_000);
    expect(given).toBe(0);
    const count = counted(world);
    await world.clock.advance(minuteMs);
    expect(count('heartbeat')).toBeGreaterThan(25);
    expect(count('heartbeat')).toBeLessThan(35);
    expect(count('join-group')).toBe(0);
    await world.run(joined.leave());
  });
});

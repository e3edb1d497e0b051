import { describe, expect, it } from 'vitest';
import { hourMs, kafkaWorld } from './world.ts';

describe('reading a partition', () => {
  it('says that the brokers answer again as soon as they do, not when the next record comes', async () => {
    const world = await kafkaWorld();
    const log = world.worker('one', { waitMs: hourMs });
    await world.run(log.ensureTopics([{ name: 'flow.events', partitions: 2, kind: 'events' }]));
    const tail = log.tail('flow.events', 0, 0, () => undefined);
    await world.clock.advance(1);
    world.broker.down();
    await world.clock.advance(5_000);
    expect(log.health().state).toBe('stalled');
    world.broker.up();
    await world.clock.advance(5_000);
    expect(log.health().state).toBe('ok');
    tail.close();
    await world.run(log.close());
  });
});

import { describe, expect, it } from 'vitest';
import { collected } from '../../../rig/collected.ts';
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

  it('a claim holds nothing of what its restore has given out, though its first commit is long in coming', async () => {
    const world = await kafkaWorld();
    // Other ones than the model of a broker keeps.
    const keys = { '!a': '1', '!b': '2' };
    await world.commit(await world.claim(world.worker('one')), keys);
    const claim = await world.claim(world.worker('two'));
    const given: Array<WeakRef<object>> = [];
    const restore = async (): Promise<void> => {
      for await (const chunk of claim.restore()) given.push(...chunk.map((record) => new WeakRef(record)));
    };
    await world.run(restore());
    await collected();
    expect(given.map((record) => record.deref())).toEqual([undefined, undefined]);
    await expect(claim.restore()[Symbol.asyncIterator]().next()).rejects.toThrow('restored once');
    await world.commit(claim, { c: '3' });
  });
});

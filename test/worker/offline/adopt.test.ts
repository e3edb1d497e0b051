import { describe, expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import type { OfflineLog } from '../../../src/transport/log/index.ts';
import { kafkaOffline } from '../../../src/transport/log/kafka/offline.ts';
import { adoptLog, reshardLog } from '../../../src/worker/offline/index.ts';
import { codeOf, commit, kafkaWorld, type World } from '../../transport/log/kafka/world.ts';
import { clock, directory, fill, record, topics } from './support.ts';

let tools = 0;

function openOffline({ broker, clock: at, run }: World, prefix = 'weir.'): Promise<OfflineLog> {
  tools += 1;
  const ports = { clock: at, random: seededRandom(tools), logger: silentLogger };
  const wire = broker.connect(`tool-${tools}`);
  return run(kafkaOffline({ ...ports, wire, admin: broker.admin(), groups: ['flow'], cluster: 'a model', prefix }));
}

async function adopt(world: World, prefix?: string) {
  const log = await openOffline(world, prefix);
  const adopted = await world.run(adoptLog(log, world.clock));
  await world.run(log.close());
  return adopted;
}

/**
 * Copies every topic of a prefix as a mirroring tool does: records alone, by a producer of its own and in batches of its
 * own, so that offsets are other ones.
 */
async function mirror({ broker, clock: at, run }: World, from: string, to: string): Promise<void> {
  const wire = broker.connect('mirror');
  for (const { name, partitions, replication } of await run(wire.topics())) {
    if (!name.startsWith(from)) continue;
    const copy = to + name.slice(from.length);
    const { 'cleanup.policy': policy = '' } = await run(wire.topicConfig(name));
    await run(wire.createTopics([{ name: copy, partitions, replication, config: { 'cleanup.policy': policy } }]));
    for (let partition = 0; partition < partitions; partition += 1) {
      const producer = { producerId: '4711', epoch: 0 };
      let sequence = 0;
      const { batches = [], logStart = 0 } = broker.log(name, partition) ?? {};
      for (const { wire: batch } of batches) {
        const kept = batch.records.filter(({ offset }) => offset >= logStart);
        const records = kept.map(({ key, value }) => ({ key, value }));
        if (records.length === 0) continue;
        await run(
          wire.produce({ topic: copy, partition, records, timestampMs: at.now(), producer: { ...producer, sequence } }),
        );
        sequence += records.length;
      }
    }
  }
}

describe('a log that is not the one that was run on', () => {
  it('WK16 a mirror is refused until it is adopted; then it has the state, under greater terms, and every event again', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    await fill(worker, world.run);
    const before = await world.claim(worker);
    await world.run(worker.trim('flow.events', 0, 2));
    await mirror(world, 'weir.', 'mirror.');

    const refused = world.worker('two', { prefix: 'mirror.', probe: false });
    await expect(world.run(refused.ensureTopics(topics))).rejects.toMatchObject({ code: 'WEIR_LOG_ADOPTION' });
    expect(await codeOf(world.claim(world.worker('three', { prefix: 'mirror.' })))).toBe('WEIR_LOG_ADOPTION');

    const adopted = await adopt(world, 'mirror.');
    expect(adopted.strange).toContain('mirror.flow.state has another id');
    expect(adopted.records).toEqual({ 'flow.state': 6 });
    const next = world.worker('four', { prefix: 'mirror.', probe: false });
    const claim = await world.claim(next);
    expect(claim.term.incarnation).toBeGreaterThan(before.term.incarnation);
    expect(claim.term).toEqual({ incarnation: adopted.incarnation, counter: expect.any(Number) });
    // Of three events two were taken and trimmed; the third one has offset 0 here.
    expect(await world.restored(claim)).toEqual({
      ...{ 'c/a': 'head', 'c/b': 'other', 'd/1:1': 'unreadable', shard: 'own', 'w/log': '0' },
    });
    const first = new Promise<string>((resolve) => {
      next.tail('flow.events', 0, 0, ([event]) => {
        resolve(Buffer.from(event?.value ?? []).toString());
        return undefined;
      });
    });
    expect(await world.run(first)).toBe('waiting');
  });

  it('WK16 a topic that is made anew is refused to workers that run, too: their terms would begin anew', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    const claim = await world.claim(worker);
    await world.commit(claim, { 'c/a': 'head' });
    world.broker.recreateTopic('weir.flow.state');
    expect(await codeOf(world.run(claim.commit(commit({ 'c/a': 'newer' }))))).toBe('WEIR_LOG_OUT_OF_STEP');
    await expect(world.claim(worker)).rejects.toMatchObject({
      code: 'WEIR_LOG_ADOPTION',
      message: expect.stringContaining('created anew'),
    });
    const { incarnation, strange } = await adopt(world);
    expect(strange).toEqual(['weir.flow.state has another id']);
    const next = await world.claim(world.worker('two'));
    expect(next.term.incarnation).toBe(incarnation);
    expect(incarnation).toBeGreaterThan(claim.term.incarnation);
  });

  it('WK16 a topic that is missing is refused, and nothing is adopted without it', async () => {
    const world = await kafkaWorld();
    world.broker.deleteTopic('weir.flow.status');
    expect(await codeOf(world.run(world.worker('one').ensureTopics(topics)))).toBe('WEIR_LOG_ADOPTION');
    const log = await openOffline(world);
    expect(await world.run(log.strangeness())).toEqual(['weir.flow.status is missing']);
    await expect(world.run(adoptLog(log, world.clock))).rejects.toMatchObject({
      code: 'WEIR_LOG_TOPIC',
      message: expect.stringContaining('weir.flow.status is missing'),
    });
    expect((await openOffline(world)).incarnation).toBe(1);
  });

  it('WK16 a log that has lost commits is refused by every worker, and adopted with what is left', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    const claim = await world.claim(worker);
    for (const value of ['1', '2', '3']) await world.commit(claim, { a: value });
    await claim.release();
    // Two commits, and that the shard was given up.
    world.broker.electUncleanly('weir.flow.state', 0, 3);
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
    await world.run(worker.close());
    expect(await codeOf(world.run(world.worker('two').ensureTopics(topics)))).toBe('WEIR_LOG_LOST');
    const { strange } = await adopt(world);
    expect(strange).toEqual(['weir.flow.state/0 has lost commits']);
    expect(await world.restored(await world.claim(world.worker('three')))).toMatchObject({ a: '1' });
    expect(await world.run((await openOffline(world)).strangeness())).toEqual([]);
  });

  it('WK16 shards of which one has lost commits agree again on what they have sent each other', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    const sender = await world.claim(worker);
    const receiver = await world.run(worker.claim({ topic: 'flow.state', partition: 1 }));
    const text = (value: string): Uint8Array => Buffer.from(value);
    for (const number of [1, 2, 3]) await world.commit(sender, { [`o/1/${number}`]: `message ${number}` });
    await world.run(receiver.commit({ records: [{ key: 'w/0', value: text('3') }], publications: [] }));
    await world.run(worker.close());
    // Its claim, and the first message.
    world.broker.electUncleanly('weir.flow.state', 0, 3);
    await adopt(world);
    const after = await world.claim(world.worker('two'));
    expect(await world.restored(after)).toEqual({ 'o/1/3': '', 'w/log': '0' });
  });

  it('WK16 another number of partitions than the log was made with is refused by every worker, and not adopted', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    await world.claim(worker);
    world.broker.addPartitions('weir.flow.state', 3);
    // Who runs a shard already writes where it did: the next claim sees it.
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_PARTITIONS');
    await world.run(worker.close());
    expect(await codeOf(world.run(world.worker('two').ensureTopics(topics)))).toBe('WEIR_LOG_PARTITIONS');
    const log = await openOffline(world);
    expect(await codeOf(world.run(adoptLog(log, world.clock)))).toBe('WEIR_LOG_PARTITIONS');
    // Into new topics, which is the remedy.
    expect(await world.run(reshardLog(log, 3, world.clock))).toMatchObject({ before: 2, partitions: 3 });
  });

  it('WK16 an adoption that breaks off has adopted nothing, and is done again', async () => {
    const world = await kafkaWorld();
    await fill(world.worker('one'), world.run);
    await mirror(world, 'weir.', 'mirror.');
    const log = await openOffline(world, 'mirror.');
    world.once(({ api, about }) => api === 'produce' && about === 'mirror.topics', 'crash-before');
    void adoptLog(log, world.clock).catch(() => undefined);
    await world.run(world.clock.advance('1 min'));
    expect(await codeOf(world.claim(world.worker('two', { prefix: 'mirror.' })))).toBe('WEIR_LOG_ADOPTION');
    await adopt(world, 'mirror.');
    const claim = await world.claim(world.worker('three', { prefix: 'mirror.' }));
    expect(await world.restored(claim)).toMatchObject({ 'c/a': 'head', 'c/b': 'other' });
  });

  it('WK16 a log is adopted as often as it is restored, each time above the last one', async () => {
    const world = await kafkaWorld();
    const first = await adopt(world);
    await world.run(world.clock.advance('1 day'));
    const second = await adopt(world);
    expect(first.strange).toEqual([]);
    expect(second.incarnation).toBeGreaterThan(first.incarnation);
    expect((await world.claim(world.worker('one'))).term.incarnation).toBe(second.incarnation);
  });

  it('WK16 the embedded log of a restored directory goes on above its terms, with its events where they were', async () => {
    const at = await directory();
    try {
      const log = await at.log();
      await fill(log);
      await log.close();
      const offline = await at.offline();
      const { incarnation, before } = await adoptLog(offline, clock);
      expect(before).toBe(1);
      await offline.close();
      const again = await at.log();
      const claim = await again.claim({ topic: 'flow.state', partition: 0 });
      expect(claim.term).toEqual({ incarnation, counter: 2 });
      const found: string[] = [];
      for await (const chunk of claim.restore()) found.push(...chunk.map(({ key }) => key));
      expect(found).toContain('w/log');
      await again.append('flow.events', 0, [record('k', 'next')]);
      await again.close();
    } finally {
      await at.remove();
    }
  });
});

/** What befalls the brokers and their log while workers are under load, as far as it is over in half a minute. */
import { expect, it } from 'vitest';
import { kafkaWire } from '../../src/transport/log/kafka/wire/index.ts';
import type { KafkaWire } from '../../src/transport/log/kafka/wire.ts';
import { describeKafka } from '../rig/describe-kafka.ts';
import { countOf, nightly, payments, trialMs as timeout, underLoad } from './trial.ts';

/** Payments before, while and after something is wrong. */
const some = payments(240) / 3;
const slowerByMs = nightly ? 100 : 30;

describeKafka('failures under load', { detours: true }, (kafka) => {
  it('WK13 the brokers are slow', { timeout }, async () => {
    const { detours, detouredBrokers } = kafka();
    const both = new Map([0, 1].map((worker) => [worker, detouredBrokers]));
    const trial = { name: `each answer of the broker ${slowerByMs} ms late`, workers: 2, seed: 22, detours: both };
    await underLoad(kafka(), trial, async ({ paid }) => {
      await paid(some);
      for (const detour of detours) detour.slow(slowerByMs);
      await paid(some);
      for (const detour of detours) detour.mend();
      await paid(some);
    });
  });

  it('WK11 records that nobody can read lie in every partition of flow.events', { timeout }, async () => {
    const trial = { name: 'poisoned records on `flow.events`', workers: 2, seed: 23 };
    await underLoad(kafka(), trial, async ({ workers: [first], prefix, paid }) => {
      await paid(some);
      const wire = kafkaWire({ brokers: kafka().brokers });
      const poisoned = await poison(wire, `${prefix}flow.events`);
      await wire.close();
      await paid(some);
      const parked = () => countOf(first, 'WEIR_RECORD_UNREADABLE');
      // A shard that moves meanwhile may come upon them again.
      await expect.poll(parked, { timeout: 60_000 }).toBeGreaterThanOrEqual(poisoned);
      await paid(some);
    });
  });
});

/** Writes what no version of Weir writes to each partition of a topic; answers how many records that were. */
async function poison(wire: KafkaWire, topic: string): Promise<number> {
  const values = [Buffer.alloc(0), Buffer.from('poison'), Buffer.alloc(100_000, 0xff)];
  const records = values.map((value) => ({ key: 'poison', value }));
  const found = (await wire.topics()).find(({ name }) => name === topic);
  const partitions = found?.partitions ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    const { error } = await wire.produce({ topic, partition, records, timestampMs: Date.now() });
    expect(error).toBe(0);
  }
  return partitions * records.length;
}

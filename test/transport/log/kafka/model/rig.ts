/** A model of a broker with a client, and what its tests write and read. */
import { expect } from 'vitest';
import { seededRandom } from '../../../../../src/ports/index.ts';
import { virtualClock } from '../../../../../src/testing/index.ts';
import { type ModelBrokerSetup, modelBroker } from '../../../../../src/transport/log/kafka/model/index.ts';
import type { KafkaWire } from '../../../../../src/transport/log/kafka/wire.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A broker with one topic of two partitions, and a client of it. */
export async function rig(setup: Partial<ModelBrokerSetup> = {}, config: Record<string, string> = {}) {
  const clock = virtualClock();
  const broker = modelBroker({ clock, random: seededRandom(1), initialRebalanceDelayMs: 0, ...setup });
  const wire = broker.connect('one');
  const created = wire.createTopics([{ name: 'state', partitions: 2, replication: 3, config }]);
  await clock.advance(1_000);
  expect(await created).toEqual([{ name: 'state', error: 0 }]);
  return { clock, broker, wire };
}

/** One batch of `values` (a key and a text each) to the first partition. */
export function produce(
  wire: KafkaWire,
  values: readonly string[],
  from?: { producerId?: string; epoch: number; sequence: number },
  timestampMs = Date.UTC(2026, 0, 1),
) {
  return wire.produce({
    topic: 'state',
    partition: 0,
    timestampMs,
    records: values.map((value) => ({ key: value.slice(0, 1), value: value === '' ? null : Buffer.from(value) })),
    ...(from && { producer: { producerId: '0', ...from } }),
  });
}

/** What a client reads from the first partition. */
export function fetch(wire: KafkaWire, offset = 0, maxWaitMs = 0, maxBytes = 1_000_000) {
  return wire.fetch({ topic: 'state', partition: 0, offset, maxBytes, maxWaitMs });
}

/** The values that a client reads. */
export async function texts(wire: KafkaWire, offset = 0) {
  const { batches } = await fetch(wire, offset);
  return batches.flatMap(({ records }) => records.map(({ value }) => Buffer.from(value ?? []).toString()));
}

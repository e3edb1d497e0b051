/**
 * The start-up probe: do these brokers keep an older epoch out, as everything here relies on?
 *
 * On a scratch partition, a batch of epoch e + 1 is written and then one of epoch e, which must be refused (47). Some
 * brokers that speak Kafka's protocol only compare sequences; a worker does not run on those.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import type { TopicSpec } from '../port.ts';
import { deadFenceRecord } from './own-records.ts';
import type { Patience } from './patience.ts';
import { nameOf, passes } from './refusals.ts';
import { type KafkaWire, kafkaError, type ProducerIdentity } from './wire.ts';

export const probeSpec: TopicSpec = { name: 'probe', partitions: 1, kind: 'state' };

export interface ProbeSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly patience: Patience;
  /** The scratch topic, with the prefix. */
  readonly topic: string;
}

/** @throws WeirError `WEIR_LOG_UNSAFE` when the brokers accept an older epoch, `WEIR_LOG_REFUSED` */
export async function probeFencing(setup: ProbeSetup): Promise<void> {
  const { topic } = setup;
  for (;;) {
    const older = await newEpoch(setup);
    const newer = await newEpoch(setup);
    // Another producer id was due: it is no newer epoch of the first one.
    if (older.producerId !== newer.producerId) continue;
    const fence = await write(setup, newer, 0);
    // Another worker probes at the same moment, with an epoch that is newer still.
    if (fence !== kafkaError.none && fence !== kafkaError.invalidProducerEpoch) refuse(topic, 'a new epoch', fence);
    const late = await write(setup, older, 0);
    if (late !== kafkaError.invalidProducerEpoch) refuse(topic, 'a batch of an older epoch', late);
    return;
  }
}

function refuse(topic: string, what: string, error: number): never {
  const answer = error === kafkaError.none ? 'was accepted' : `was answered with ${nameOf(error)}`;
  throw new WeirError('WEIR_LOG_UNSAFE', { why: `on ${topic}, ${what} ${answer}` });
}

async function newEpoch({ wire, patience, topic }: ProbeSetup): Promise<ProducerIdentity> {
  return patience.until(`the probe of ${topic}`, async () => {
    const { error, producerId, epoch } = await wire.initProducerId(topic);
    if (error === kafkaError.none) return { done: { producerId, epoch } };
    if (passes(error) || error === kafkaError.invalidProducerEpoch) return { again: nameOf(error) };
    throw new WeirError('WEIR_LOG_REFUSED', { what: `a producer for ${topic}`, why: nameOf(error) });
  });
}

async function write(
  { wire, clock, patience, topic }: ProbeSetup,
  producer: ProducerIdentity,
  sequence: number,
): Promise<number> {
  return patience.until(`the probe of ${topic}`, async () => {
    const records = [deadFenceRecord('probe')];
    const { error } = await wire.produce({
      ...{ topic, partition: 0, records },
      timestampMs: clock.now(),
      producer: { ...producer, sequence },
    });
    return passes(error) ? { again: nameOf(error) } : { done: error };
  });
}

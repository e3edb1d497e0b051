/** What only writing shows: whether older epochs are refused, and what time it is at the brokers. */
import { WeirError } from '../../../../errors/index.ts';
import { inWords } from '../../../../ports/index.ts';
import { type Finding, found, well } from '../../checkup.ts';
import { probeFencing, probeSpec } from '../probe.ts';
import { isDenied, nameOf } from '../refusals.ts';
import { newTopic } from '../topic-settings.ts';
import { kafkaError } from '../wire.ts';
import type { KafkaCheckup } from './setup.ts';

/** As a worker does when it starts: on a topic of its own, which stays. */
export async function* fencing({ wire, clock, patience, catalog, settings }: KafkaCheckup): AsyncGenerator<Finding> {
  const topic = catalog.nameOf(probeSpec.name);
  const [made] = await wire.createTopics([newTopic(topic, probeSpec, settings.topics)]);
  if (made !== undefined && made.error !== kafkaError.none && made.error !== kafkaError.topicExists) {
    const why = made.message === undefined ? nameOf(made.error) : `${nameOf(made.error)}, ${made.message}`;
    return yield found('fencing', new WeirError('WEIR_LOG_REFUSED', { what: `topic ${topic}`, why }));
  }
  await probeFencing({ wire, clock, patience, topic });
  yield well('fencing', 'a batch of an older epoch was refused, as everything relies on');
}

const stampAttempts = 50;
const stampPauseMs = 100;
/** Clocks that follow a time service are closer than that. */
const remarkableSkewMs = 1_000;

/** On a topic whose timestamps brokers set, with a partition for each of them; it is removed in the end. */
export async function* clocks(checkup: KafkaCheckup): AsyncGenerator<Finding> {
  const { admin, wire, catalog } = checkup;
  const topic = catalog.named('doctor');
  const { brokers } = await admin.cluster();
  const config = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '60000' };
  const [made] = await wire.createTopics([{ name: topic, partitions: brokers.length, replication: 1, config }]);
  if (made !== undefined && made.error !== kafkaError.none && made.error !== kafkaError.topicExists) {
    const what = `the clocks of brokers (${nameOf(made.error)} for topic ${topic})`;
    return yield found('clocks', new WeirError('WEIR_CHECK_HIDDEN', { what }), 'warn');
  }
  const seen = new Set<number>();
  for (let partition = 0; partition < brokers.length; partition += 1) {
    const finding = await clockOf(checkup, topic, partition, seen);
    if (finding !== undefined) yield finding;
  }
  for (const { error } of await admin.deleteTopics([topic])) {
    if (error === kafkaError.none) continue;
    const context = { prefix: catalog.named(''), topics: `${topic} (${nameOf(error)} when it was to be removed)` };
    yield found('clocks', new WeirError('WEIR_CHECK_LEFT_OVER', context), 'warn');
  }
}

async function clockOf(
  { admin, clock, settings }: KafkaCheckup,
  topic: string,
  partition: number,
  seen: Set<number>,
): Promise<Finding | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const before = clock.now();
    const { error, broker, appendedAt } = await admin.stamp(topic, partition);
    const after = clock.now();
    if (error === kafkaError.none) {
      if (seen.has(broker)) return undefined;
      seen.add(broker);
      // It was appended between the two; how far outside of them its time lies is certain to be skew.
      const skewMs = appendedAt < before ? appendedAt - before : Math.max(0, appendedAt - after);
      return skewOf(broker, skewMs, settings.clockSkewMs);
    }
    if (isDenied(error) || attempt === stampAttempts) {
      const what = `the time of the broker of ${topic}/${partition} (${nameOf(error)})`;
      return found('clocks', new WeirError('WEIR_CHECK_HIDDEN', { what }), 'warn');
    }
    // A new topic has its leaders within moments.
    await new Promise<void>((resolve) => void clock.after(stampPauseMs, resolve));
  }
}

function skewOf(broker: number, skewMs: number, mostMs: number): Finding {
  const check = `clock of broker ${broker}`;
  const size = Math.abs(skewMs);
  if (size < remarkableSkewMs) return well(check, size === 0 ? 'it agrees with this host' : `it is ${size} ms apart`);
  const context = { broker, skew: inWords(size), side: skewMs < 0 ? 'behind' : 'ahead of', most: inWords(mostMs) };
  return found(check, new WeirError('WEIR_CHECK_CLOCK', context), size < mostMs ? 'warn' : 'fail');
}

/**
 * W1 as brokers see it: once a claim stands in a partition of Kafka, nobody who owned it before gets anything in. The
 * driver mends what does slip through, so that only the log itself shows it.
 *
 * Brokers that have forgotten their producers let anybody in. Real ones do so after a day, when every writer has ended
 * its lease; where it strikes at once nothing can be said.
 */
import type { KafkaModelCluster } from '../../../transport/log/index.ts';
import { stateTopic } from '../broker-topics.ts';
import type { Invariant } from '../world.ts';

type Batches = NonNullable<ReturnType<KafkaModelCluster['broker']['log']>>['batches'];

/** The driver's record of a claim; its other keys begin with `!`, too. */
const claimKey = '!claim';

export function oneWriterAtBrokers(): Invariant {
  let forgotten = false;
  return {
    name: 'one writer at the brokers',
    hears: ['fault'],
    event(event) {
      if (event.type === 'fault' && event.text.includes('producers forgotten')) forgotten = true;
    },
    end({ nodes }, violate) {
      if (forgotten) return;
      for (const { broker, planned } of nodes) {
        for (let partition = 0; partition < planned.shards; partition++) {
          const late = lateBatch(broker?.log(stateTopic, partition)?.batches ?? []);
          if (late !== undefined) violate(`${planned.name}/${stateTopic}/${partition}: ${late}`);
        }
      }
    },
  };
}

/** The first batch of one who owned the partition before somebody else did, in words. */
export function lateBatch(batches: Batches): string | undefined {
  const former = new Set<string>();
  let owner: string | undefined;
  for (const { wire } of batches) {
    if (wire.producer === undefined) continue;
    const { producerId, epoch } = wire.producer;
    const writer = `${producerId}/${epoch}`;
    if (former.has(writer)) return `offset ${wire.baseOffset} is of producer ${writer}, and ${owner} had claimed it`;
    if (writer === owner || !wire.records.some(({ key }) => key === claimKey)) continue;
    if (owner !== undefined) former.add(owner);
    owner = writer;
  }
  return undefined;
}

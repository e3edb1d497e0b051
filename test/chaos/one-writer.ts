/**
 * Whether each partition of a state topic had one writer at a time (W1), as its batches show it to whoever reads them
 * from outside: from a fence on only its producer has written, until the next one. Owns a reading of its own.
 */
import { kafkaWire } from '../../src/transport/log/kafka/wire/index.ts';
import { kafkaError, type WireBatch } from '../../src/transport/log/kafka/wire.ts';

export interface Writing {
  /** Batches by somebody who was no owner any more, as sentences. */
  readonly strays: readonly string[];
  /** Fences: one for each claim. */
  readonly fences: number;
  readonly partitions: number;
  /** Producer ids that have written, counted for each partition. */
  readonly producers: number;
  readonly records: number;
  /** Where partitions end, together: records that were ever written. */
  readonly written: number;
}

const fenceKey = '!fence';
/** No owner has it: such a batch shuts a producer id out. */
const deadEpoch = 32_767;
const maxBytes = 4_194_304;

export async function writingOf(brokers: readonly string[], topic: string): Promise<Writing> {
  const wire = kafkaWire({ brokers });
  try {
    const partitions = (await wire.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
    const strays: string[] = [];
    const producers = new Set<string>();
    let [fences, records, written] = [0, 0, 0];
    for (let partition = 0; partition < partitions; partition++) {
      let owner: string | undefined;
      let offset = 0;
      for (let more = true; more; ) {
        const { error, batches } = await wire.fetch({ topic, partition, offset, maxBytes, maxWaitMs: 0 });
        if (error !== kafkaError.none) throw new Error(`${topic}/${partition} cannot be read: error ${error}`);
        for (const batch of batches) {
          const { producer, baseOffset, lastOffset } = batch;
          offset = lastOffset + 1;
          records += batch.records.length;
          if (producer === undefined || producer.epoch === deadEpoch) continue;
          producers.add(`${partition}/${producer.producerId}`);
          const writer = `${producer.producerId}, epoch ${producer.epoch}`;
          if (isFence(batch)) {
            owner = writer;
            fences++;
          } else if (owner !== undefined && writer !== owner) {
            strays.push(`${topic}/${partition} at ${baseOffset}: producer ${writer}, but it belongs to ${owner}`);
          }
        }
        more = batches.length > 0;
      }
      written += offset;
    }
    return { strays, fences, partitions, producers: producers.size, records, written };
  } finally {
    await wire.close();
  }
}

function isFence({ producer, records }: WireBatch): boolean {
  return producer?.baseSequence === 0 && records[0]?.key === fenceKey;
}

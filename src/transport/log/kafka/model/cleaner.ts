/**
 * Compaction of a partition, as Kafka's cleaner does it.
 *
 * Of each key the newest record is kept. A batch that loses all its records goes too, but for the last one of each
 * active producer and the last one of the round, which stay, emptied. Offsets never change.
 */
import type { WireBatch } from '../wire.ts';
import { batchBytes, type StoredBatch } from './stored-batch.ts';

export interface Cleaning {
  readonly now: number;
  /** Batches that end below it are cleaned. */
  readonly upTo: number;
  readonly deleteRetentionMs: number;
  /** Last offsets of active producers. */
  readonly lastOffsets: ReadonlyMap<string, number>;
}

export function clean(batches: readonly StoredBatch[], cleaning: Cleaning): StoredBatch[] {
  const count = batches.findIndex(({ wire }) => wire.lastOffset >= cleaning.upTo);
  const dirty = count < 0 ? batches : batches.slice(0, count);
  const newest = new Map<string, number>();
  for (const { wire } of dirty) for (const { key, offset } of wire.records) if (key !== null) newest.set(key, offset);

  const cleaned = dirty.flatMap((batch, index) => {
    const kept = keptOf(batch, newest, cleaning.now);
    if (kept.length === 0 && index < dirty.length - 1 && !isLastOfProducer(batch.wire, cleaning)) return [];
    const tombstones = batch.deleteHorizonMs === undefined && kept.some(({ value }) => value === null);
    if (kept.length === batch.wire.records.length && !tombstones) return [batch];
    return [
      {
        wire: { ...batch.wire, records: kept },
        bytes: batchBytes(kept, batch.wire.baseOffset),
        deleteHorizonMs: tombstones ? cleaning.now + cleaning.deleteRetentionMs : batch.deleteHorizonMs,
      },
    ];
  });
  return [...cleaned, ...batches.slice(dirty.length)];
}

function keptOf(batch: StoredBatch, newest: ReadonlyMap<string, number>, now: number): WireBatch['records'] {
  const tombstonesGo = batch.deleteHorizonMs !== undefined && now >= batch.deleteHorizonMs;
  const { records } = batch.wire;
  const kept = records.filter(
    ({ key, value, offset }) => key !== null && newest.get(key) === offset && (value !== null || !tombstonesGo),
  );
  return kept.length === records.length ? records : kept;
}

function isLastOfProducer({ producer, lastOffset }: WireBatch, { lastOffsets }: Cleaning): boolean {
  return producer !== undefined && lastOffsets.get(producer.producerId) === lastOffset;
}

/**
 * Reads a partition of a `table` topic once, in either direction, up to where it ended when the reading began.
 *
 * Owns the windows of a reading backwards: brokers only read forwards, so it takes one stretch of offsets after the
 * other from the end. Where compaction has left little, stretches get longer.
 */
import type { StoredRecord } from '../port.ts';
import { shardKey } from './own-records.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import type { WireBatch } from './wire.ts';

export interface PartitionReadSetup extends Omit<PartitionReaderSetup, 'from' | 'onGap'> {
  /** Offset of the record behind which it begins. */
  readonly after: number | undefined;
  /** What keys begin with. */
  readonly under: string;
}

const firstWindow = 256;
const longestWindow = 16_384;

export async function* readForwards(setup: PartitionReadSetup): AsyncGenerator<StoredRecord[]> {
  const from = setup.after === undefined ? 0 : setup.after + 1;
  const reader = readerAt(setup, from);
  yield* recordsUpTo(await reader.end(), from, reader, setup);
}

export async function* readBackwards(setup: PartitionReadSetup): AsyncGenerator<StoredRecord[]> {
  let end = setup.after ?? (await readerAt(setup, 0).end());
  for (let window = firstWindow; end > 0; ) {
    const from = Math.max(0, end - window);
    const reader = readerAt(setup, from);
    const records: StoredRecord[] = [];
    for await (const some of recordsUpTo(end, from, reader, setup)) records.push(...some);
    window = records.length === 0 ? Math.min(longestWindow, window * 2) : firstWindow;
    end = from;
    if (records.length > 0) yield records.reverse();
  }
}

function readerAt(setup: PartitionReadSetup, from: number): PartitionReader {
  // What is no longer there was removed: compaction and trimming are no loss to a reading.
  return new PartitionReader({ ...setup, from, onGap: () => undefined });
}

/** @throws what `ended` throws: a reading that broke off must not pass for a whole one */
async function* recordsUpTo(
  end: number,
  from: number,
  reader: PartitionReader,
  { ended, under }: PartitionReadSetup,
): AsyncGenerator<StoredRecord[]> {
  for (let last = end; reader.position < last; ) {
    const before = reader.position;
    const batches = await reader.next(nothingYetMs);
    ended();
    if (batches.length > 0) yield recordsOf(batches, under, from, end);
    // The leader that named the end was deposed meanwhile.
    else if (reader.position === before) last = Math.min(last, await reader.end());
  }
}

/** What is below the end can be read at once; this only keeps a reading from spinning while a leader changes. */
const nothingYetMs = 500;

function recordsOf(batches: readonly WireBatch[], under: string, from: number, end: number): StoredRecord[] {
  const found: StoredRecord[] = [];
  for (const { control, records } of batches) {
    if (control) continue;
    for (const { key: stored, value, offset } of records) {
      const key = stored === null ? undefined : shardKey(stored);
      if (key === undefined || !key.startsWith(under) || offset < from || offset >= end) continue;
      // A copy of its own: what was fetched shares its memory with everything else of the answer.
      found.push({ key, value: value === null ? null : Uint8Array.from(value), position: String(offset) });
    }
  }
  return found;
}

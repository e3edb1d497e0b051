/**
 * Reads partitions on the brokers without a claim, from front to back. Owns where each one ended, so that a change since
 * then is noticed.
 */
import type { LogRecord } from '../port.ts';
import { shardKey } from './own-records.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import { ShardState } from './shard-state.ts';
import type { WireBatch } from './wire.ts';

/** A partition on the brokers. */
export interface Place {
  /** Name with the prefix. */
  readonly name: string;
  readonly partition: number;
}

const chunkRecords = 256;

export class OfflineReading {
  readonly #setup: Pick<PartitionReaderSetup, 'wire' | 'patience' | 'maxBytes'>;
  readonly #ends = new Map<string, Place & { readonly end: number }>();

  constructor(setup: Pick<PartitionReaderSetup, 'wire' | 'patience' | 'maxBytes'>) {
    this.#setup = setup;
  }

  /** Offset behind the last record of each partition that was read. */
  get ends(): Iterable<Place & { readonly end: number }> {
    return this.#ends.values();
  }

  async shardState(at: Place): Promise<ShardState> {
    const state = new ShardState();
    const reader = this.#reader(at, 0);
    await reader.toEnd((batches) => {
      for (const batch of batches) state.take(batch);
      state.keep();
    });
    this.#ended(at, reader);
    state.settle();
    return state;
  }

  /**
   * The newest record of each key, but for those that are passed over, in the order of their writing. Read twice, so that
   * only keys are held: an audit is far larger than a memory.
   */
  async *live(at: Place, without: ReadonlyMap<string, unknown>): AsyncGenerator<readonly LogRecord[]> {
    const newest = new Map<string, number>();
    await this.#toEnd(at, (batch) => {
      for (const { key, value, offset } of ownRecords(batch)) {
        if (value === null || without.has(key)) newest.delete(key);
        else newest.set(key, offset);
      }
    });
    const reader = this.#reader(at, 0);
    for (let end = await reader.end(); reader.position < end; ) {
      const batches = await reader.next(0);
      if (batches.length === 0) end = await reader.end();
      yield* chunksOf(
        batches
          .flatMap(ownRecords)
          .flatMap(({ key, value, offset }) => (newest.get(key) === offset ? { key, value } : [])),
      );
    }
  }

  /** The events from offset `from` on. */
  async *events(at: Place, from: number): AsyncGenerator<readonly LogRecord[]> {
    const reader = this.#reader(at, from);
    let next = from;
    for (let end = await reader.end(); reader.position < end; ) {
      const batches = await reader.next(0);
      if (batches.length === 0) end = await reader.end();
      const events: LogRecord[] = [];
      for (const { control, records } of batches) {
        for (const { key, value, offset } of control ? [] : records) {
          if (offset >= next && key !== null && value !== null) events.push({ key, value });
        }
      }
      next = Math.max(next, reader.position);
      yield* chunksOf(events);
    }
    this.#ended(at, reader);
  }

  async #toEnd(at: Place, take: (batch: WireBatch) => void): Promise<void> {
    const reader = this.#reader(at, 0);
    await reader.toEnd((batches) => {
      for (const batch of batches) take(batch);
    });
    this.#ended(at, reader);
  }

  #reader({ name: topic, partition }: Place, from: number): PartitionReader {
    return new PartitionReader({
      ...this.#setup,
      ...{ topic, partition, from },
      ended: () => false,
      // Trimmed records were consumed; a position behind the end belongs to a topic that was made anew.
      onGap: () => undefined,
    });
  }

  #ended({ name, partition }: Place, { position }: PartitionReader): void {
    this.#ends.set(`${name}/${partition}`, { name, partition, end: position });
  }
}

/** The records of a batch that are not the driver's. */
function ownRecords({ control, records }: WireBatch): Array<LogRecord & { readonly offset: number }> {
  if (control) return [];
  return records.flatMap(({ key: stored, value, offset }) => {
    const key = stored === null ? undefined : shardKey(stored);
    return key === undefined ? [] : { key, value, offset };
  });
}

export function* chunksOf(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  for (let start = 0; start < records.length; start += chunkRecords) yield records.slice(start, start + chunkRecords);
}

/**
 * A `table` topic as a map: a snapshot of all partitions, then every change.
 *
 * Owns one reader for each partition. The snapshot reaches to where each partition ended
 * when it began; changes that come meanwhile follow.
 */
import { messageOf } from '../../../errors/index.ts';
import type { Logger } from '../../../ports/index.ts';
import type { Table } from '../port.ts';
import { TableView } from '../table-view.ts';
import { shardKey } from './own-records.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import type { Patience } from './patience.ts';
import type { KafkaWire, WireBatch } from './wire.ts';

export interface TopicTableSetup extends Pick<PartitionReaderSetup, 'topic' | 'maxBytes'> {
  readonly wire: KafkaWire;
  readonly patience: Patience;
  readonly logger: Logger;
  readonly partitions: number;
  /** How long a broker may hold a request when nothing changes. */
  readonly waitMs: number;
  readonly onClosed: (table: Table) => void;
}

export class TopicTable extends TableView {
  readonly #setup: TopicTableSetup;
  #closed = false;

  constructor(setup: TopicTableSetup) {
    super((key, error) => setup.logger.error({ key, error }, 'the listener of a table threw'));
    this.#setup = setup;
  }

  /** Reads the snapshot; afterwards changes are followed until the table is closed. */
  async load(): Promise<void> {
    const readers = Array.from({ length: this.#setup.partitions }, (_, partition) => this.#reader(partition));
    await Promise.all(readers.map((reader) => reader.toEnd((batches) => this.#apply(batches))));
    for (const reader of readers) void this.#follow(reader);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setup.onClosed(this);
  }

  #reader(partition: number): PartitionReader {
    return new PartitionReader({
      ...this.#setup,
      partition,
      from: 0,
      ended: () => this.#closed,
      onGap: (position, oldest) => {
        const { logger, topic } = this.#setup;
        if (oldest < position) logger.error({ topic, partition, position, oldest }, 'a table has lost records');
      },
    });
  }

  async #follow(reader: PartitionReader): Promise<void> {
    const { logger, topic, waitMs } = this.#setup;
    try {
      while (!this.#closed) this.#apply(await reader.next(waitMs));
    } catch (error) {
      if (!this.#closed) logger.error({ topic, error: messageOf(error) }, 'a table cannot follow its topic');
    }
  }

  #apply(batches: readonly WireBatch[]): void {
    for (const { control, records } of batches) {
      if (control) continue;
      for (const { key: stored, value } of records) {
        const key = stored === null ? undefined : shardKey(stored);
        if (key === undefined || this.#closed) continue;
        // A copy of its own: what was fetched shares its memory with everything else of the answer.
        this.change(key, value === null ? undefined : Uint8Array.from(value));
      }
    }
  }
}

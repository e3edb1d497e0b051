/**
 * A `table` topic as a map: a snapshot of all partitions, then every change.
 *
 * Owns one follower for each partition. The snapshot reaches to where each partition ended when it began; changes that
 * come meanwhile follow.
 */
import { messageOf } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { Table } from '../port.ts';
import { TableView } from '../table-view.ts';
import type { OwnPublications } from './own-publications.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import type { Patience } from './patience.ts';
import { TableFollower } from './table-follower.ts';
import type { KafkaWire } from './wire.ts';

export interface TopicTableSetup extends Pick<PartitionReaderSetup, 'topic' | 'maxBytes'> {
  readonly wire: KafkaWire;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly own: OwnPublications;
  readonly partitions: number;
  /** How long a broker may hold a request when nothing changes. */
  readonly waitMs: number;
  readonly onClosed: (table: Table) => void;
}

export class TopicTable extends TableView {
  readonly #setup: TopicTableSetup;
  #followers: readonly TableFollower[] = [];
  #closed = false;

  constructor(setup: TopicTableSetup) {
    super((key, error) => setup.logger.error({ key, error }, 'the listener of a table threw'));
    this.#setup = setup;
  }

  /** Reads the snapshot; afterwards changes are followed until the table is closed. */
  async load(): Promise<void> {
    const readers = Array.from({ length: this.#setup.partitions }, (_, partition) => this.#reader(partition));
    this.#followers = readers.map((reader, partition) => this.#follower(reader, partition));
    await Promise.all(this.#followers.map((follower) => follower.load()));
    for (const follower of this.#followers) void this.#follow(follower);
  }

  override isBehind(partition: number): boolean {
    return this.#followers[partition]?.isBehind === true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const follower of this.#followers) follower.close();
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

  #follower(reader: PartitionReader, partition: number): TableFollower {
    return new TableFollower({
      ...this.#setup,
      ...{ reader, partition },
      take: (key, value) => this.change(key, value ?? undefined),
    });
  }

  async #follow(follower: TableFollower): Promise<void> {
    const { logger, topic } = this.#setup;
    try {
      await follower.run();
    } catch (error) {
      if (!this.#closed) logger.error({ topic, error: messageOf(error) }, 'a table cannot follow its topic');
    }
  }
}

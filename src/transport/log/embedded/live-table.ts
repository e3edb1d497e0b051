/**
 * One open view of a `table` topic of the embedded log: a snapshot of all partitions, then every change.
 * The log calls `apply` when a publication is durable.
 */
import type { Logger } from '../../../ports/index.ts';
import { TableView } from '../table-view.ts';
import { partitionPrefix } from './codec.ts';
import { readPrefix, type StreamSetup } from './read-prefix.ts';
import type { StoredTopic } from './system-records.ts';

export class LiveTable extends TableView {
  readonly #onClose: () => void;
  /** Changes that came while the snapshot was read; they are newer than it. */
  #waiting: Array<[string, Uint8Array | undefined]> | undefined = [];
  #closed = false;

  constructor(logger: Logger, onClose: () => void) {
    super((key, error) => logger.error({ key, error }, 'the listener of a table threw'));
    this.#onClose = onClose;
  }

  /** Reads the snapshot; changes may come meanwhile. */
  async load(setup: StreamSetup, { spec, place }: StoredTopic): Promise<void> {
    for (let partition = 0; partition < spec.partitions; partition++) {
      const prefix = partitionPrefix(place, partition);
      for await (const chunk of readPrefix(setup, prefix)) {
        for (const { key, value } of chunk) this.put(key, value);
      }
    }
    for (const [key, value] of this.#waiting ?? []) this.put(key, value);
    this.#waiting = undefined;
  }

  apply(key: string, value: Uint8Array | undefined): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) {
      this.#waiting.push([key, value]);
      return;
    }
    this.change(key, value);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }
}

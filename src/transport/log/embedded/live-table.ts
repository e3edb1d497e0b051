/**
 * One open view of a `table` topic of the embedded log: a snapshot of all partitions, then every change.
 * Owns the map and its listeners; the log calls `apply` when a publication is durable.
 */
import type { Logger } from '../../../ports/index.ts';
import type { Table } from '../port.ts';
import { TableEntries } from '../table-entries.ts';
import { partitionPrefix } from './codec.ts';
import { readPrefix, type StreamSetup } from './read-prefix.ts';
import type { StoredTopic } from './system-records.ts';

type TableListener = (key: string, value: Uint8Array | undefined) => void;

export class LiveTable implements Table {
  readonly #entries = new TableEntries();
  readonly #listeners: TableListener[] = [];
  readonly #logger: Logger;
  readonly #onClose: () => void;
  /** Changes that came while the snapshot was read; they are newer than it. */
  #waiting: Array<[string, Uint8Array | undefined]> | undefined = [];
  #closed = false;

  constructor(logger: Logger, onClose: () => void) {
    this.#logger = logger;
    this.#onClose = onClose;
  }

  /** Reads the snapshot; changes may come meanwhile. */
  async load(setup: StreamSetup, { spec, place }: StoredTopic): Promise<void> {
    for (let partition = 0; partition < spec.partitions; partition++) {
      const prefix = partitionPrefix(place, partition);
      for await (const chunk of readPrefix(setup, prefix)) {
        for (const { key, value } of chunk) this.#entries.set(key, value);
      }
    }
    for (const [key, value] of this.#waiting ?? []) this.#entries.set(key, value);
    this.#waiting = undefined;
  }

  apply(key: string, value: Uint8Array | undefined): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) {
      this.#waiting.push([key, value]);
      return;
    }
    this.#entries.set(key, value);
    for (const listener of this.#listeners) {
      try {
        listener(key, value);
      } catch (error) {
        this.#logger.error({ key, error }, 'the listener of a table threw');
      }
    }
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  entries(): IterableIterator<[string, Uint8Array]> {
    return this.#entries.entries();
  }

  handOver(): ReadonlyMap<string, Uint8Array> {
    return this.#entries.handOver();
  }

  get size(): number {
    return this.#entries.size;
  }

  onChange(listener: TableListener): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }
}

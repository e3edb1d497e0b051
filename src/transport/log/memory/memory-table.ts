/** A table as one worker of a memory cluster sees it: a snapshot, then the changes that the worker has heard of. */
import type { Table } from '../port.ts';
import { TableEntries } from '../table-entries.ts';
import type { Change } from './storage.ts';

export class MemoryTable implements Table {
  readonly #listeners: Array<(key: string, value: Uint8Array | undefined) => void> = [];
  readonly #onClose: () => void;
  readonly #entries = new TableEntries();
  #closed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  get size(): number {
    return this.#entries.size;
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

  onChange(listener: (key: string, value: Uint8Array | undefined) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }

  begin(snapshot: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of snapshot) this.#entries.set(key, value);
  }

  hear({ key, value }: Change): void {
    if (this.#closed) return;
    this.#entries.set(key, value);
    for (const listener of this.#listeners) listener(key, value);
  }
}

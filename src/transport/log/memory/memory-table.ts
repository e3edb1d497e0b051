/** A table as one worker of a memory cluster sees it: a snapshot, then the changes that the worker has heard of. */
import type { Table } from '../port.ts';
import type { Change } from './storage.ts';

export class MemoryTable implements Table {
  readonly #listeners: Array<(key: string, value: Uint8Array | undefined) => void> = [];
  readonly #onClose: () => void;
  #entries = new Map<string, Uint8Array>();
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

  onChange(listener: (key: string, value: Uint8Array | undefined) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }

  begin(snapshot: Map<string, Uint8Array>): void {
    this.#entries = snapshot;
  }

  hear({ key, value }: Change): void {
    if (this.#closed) return;
    if (value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, value);
    for (const listener of this.#listeners) listener(key, value);
  }
}

/** A table as one worker of a memory cluster sees it: a snapshot, then the changes that the worker has heard of. */
import { TableView } from '../table-view.ts';
import type { Change } from './storage.ts';

export class MemoryTable extends TableView {
  readonly #onClose: () => void;
  #closed = false;

  constructor(onClose: () => void) {
    super((_key, error) => {
      throw error;
    });
    this.#onClose = onClose;
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }

  begin(snapshot: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of snapshot) this.put(key, value);
  }

  hear(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (this.#closed) return;
      this.change(key, value);
    }
  }
}

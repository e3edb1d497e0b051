/** A table as one worker of a memory cluster sees it: a snapshot, then the changes that the worker has heard of. */
import { TableView } from '../table-view.ts';
import type { Change } from './storage.ts';

export class MemoryTable extends TableView {
  readonly #onClose: () => void;
  #closed = false;
  /** Publications that are on their way here. */
  #coming = 0;

  readonly #awaits: (partition: number) => boolean;

  /** @param awaits whether something is durable for a partition that its topic does not have yet */
  constructor(awaits: (partition: number) => boolean, onClose: () => void) {
    super((_key, error) => {
      throw error;
    });
    this.#awaits = awaits;
    this.#onClose = onClose;
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
  }

  begin(snapshot: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of snapshot) this.put(key, value);
  }

  override isBehind(partition: number): boolean {
    return this.#coming > 0 || this.#awaits(partition);
  }

  /** Changes will be heard of a little later. */
  expect(): void {
    this.#coming += 1;
  }

  hear(changes: readonly Change[]): void {
    this.#coming -= 1;
    for (const { key, value } of changes) {
      if (this.#closed) return;
      this.change(key, value);
    }
  }
}

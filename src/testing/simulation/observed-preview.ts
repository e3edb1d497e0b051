/** A preview whose contents can be seen: what a shard holds when it is restored is what its preview does, and what came last. */
import type { LogRecord, StatePreview } from '../../transport/log/index.ts';

export class ObservedPreview implements StatePreview {
  readonly #inner: StatePreview;
  readonly #held = new Map<string, Uint8Array>();

  constructor(inner: StatePreview) {
    this.#inner = inner;
  }

  take(records: readonly LogRecord[]): Promise<void> {
    for (const { key, value } of records) {
      if (value === null) this.#held.delete(key);
      else this.#held.set(key, value.slice());
    }
    return this.#inner.take(records);
  }

  clear(): void {
    this.#held.clear();
    this.#inner.clear();
  }

  /** All that it holds once these have changed. */
  with(changes: readonly LogRecord[]): LogRecord[] {
    const all = new Map<string, Uint8Array | null>(this.#held);
    for (const { key, value } of changes) {
      if (value === null) all.delete(key);
      else all.set(key, value);
    }
    return [...all].map(([key, value]) => ({ key, value }));
  }
}

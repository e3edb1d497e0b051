/** A preview whose contents can be seen: what a shard holds when it is restored is what its preview does, and what came last. */
import type { LogRecord, StatePreview } from '../../transport/log/index.ts';

/** What a restore has made of what was read of the shard before it was claimed. */
export type ReadAheadUse = 'nothing was read' | 'used as it was' | 'flows have changed since' | 'thrown away';

/** What the keys of a flow's records begin with: its head, journal, unread messages and signals. */
const ofFlow = /^[cjig]\/(?!@)([^/]+)/;

export class ObservedPreview implements StatePreview {
  readonly #inner: StatePreview;
  readonly #onTaken: (records: number) => void;
  readonly #held = new Map<string, Uint8Array>();
  #thrownAway = false;

  /** `onTaken` is told how many records have come. */
  constructor(inner: StatePreview, onTaken: (records: number) => void) {
    this.#inner = inner;
    this.#onTaken = onTaken;
  }

  take(records: readonly LogRecord[]): Promise<void> {
    for (const { key, value } of records) {
      if (value === null) this.#held.delete(key);
      else this.#held.set(key, value.slice());
    }
    if (records.length > 0) this.#onTaken(records.length);
    return this.#inner.take(records);
  }

  clear(): void {
    this.#thrownAway ||= this.#held.size > 0;
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

  /** What has come of it, where these have changed. */
  useWith(changes: readonly LogRecord[]): ReadAheadUse {
    if (this.#thrownAway) return 'thrown away';
    if (this.#held.size === 0) return 'nothing was read';
    const changed = changes.some(({ key }) => {
      const flow = ofFlow.exec(key)?.[1];
      return flow !== undefined && this.#held.has(`c/${flow}`);
    });
    return changed ? 'flows have changed since' : 'used as it was';
  }
}

/**
 * What the RPC service knows of flows: the topic `flow.status` as an index by id, by request, and in order of arrival.
 * Records are decoded when somebody looks at them; most are never looked at.
 */
import { type StatusRecord, statusRecord } from '../../persistence/index.ts';
import { routingKeyOf } from '../flow/protocol.ts';

interface Entry {
  bytes: Uint8Array;
  record: StatusRecord | undefined;
  readonly place: number;
}

export interface Listed {
  readonly flowId: string;
  readonly record: StatusRecord;
}

export interface ListFilter {
  readonly matches: (record: StatusRecord) => boolean;
  readonly limit: number;
  /** Cursor of the former page: flows older than this place. */
  readonly before: number | undefined;
}

export class FlowIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, string>();
  /** Flow ids in order of arrival; undefined where one has left. */
  #order: Array<string | undefined> = [];
  #holes = 0;
  /** Place of `#order[0]`. */
  #base = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Takes the snapshot in, oldest flows first, so that pages are in order after a restart too. */
  load(entries: Iterable<[string, Uint8Array]>): void {
    const sorted = [...entries].map(([id, bytes]) => ({ id, bytes, record: statusRecord.decode(bytes) }));
    sorted.sort((a, b) => a.record.created - b.record.created);
    for (const { id, bytes } of sorted) this.put(id, bytes);
  }

  put(id: string, bytes: Uint8Array): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) {
      entry.bytes = bytes;
      entry.record = undefined;
      return;
    }
    this.#entries.set(id, { bytes, record: undefined, place: this.#base + this.#order.length });
    this.#order.push(id);
    this.#byKey.set(routingKeyOf(id), id);
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    if (this.#byKey.get(routingKeyOf(id)) === id) this.#byKey.delete(routingKeyOf(id));
    this.#order[entry.place - this.#base] = undefined;
    this.#holes++;
    // The oldest leave first, so holes gather at the front.
    if (this.#holes > 1_024 && this.#holes * 2 > this.#order.length) this.#trim();
  }

  get(id: string): StatusRecord | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    entry.record ??= statusRecord.decode(entry.bytes);
    return entry.record;
  }

  byRoutingKey(key: string): string | undefined {
    return this.#byKey.get(key);
  }

  /** Newest first. `next` is the cursor of the following page. */
  list({ matches, limit, before }: ListFilter): { readonly flows: Listed[]; readonly next: number | undefined } {
    const flows: Listed[] = [];
    const start = before === undefined ? this.#order.length : Math.min(this.#order.length, before - this.#base);
    for (let i = start - 1; i >= 0; i--) {
      const flowId = this.#order[i];
      const record = flowId === undefined ? undefined : this.get(flowId);
      if (flowId === undefined || record === undefined || !matches(record)) continue;
      if (flows.length === limit) return { flows, next: this.#base + i + 1 };
      flows.push({ flowId, record });
    }
    return { flows, next: undefined };
  }

  #trim(): void {
    let leading = 0;
    while (leading < this.#order.length && this.#order[leading] === undefined) leading++;
    this.#order = this.#order.slice(leading);
    this.#base += leading;
    this.#holes -= leading;
  }
}

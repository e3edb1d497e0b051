/**
 * What the RPC service knows of flows: the topic `flow.status` as an index by id, by request, in order of arrival, and in
 * order of change. Records are decoded when somebody looks at them; most are never looked at.
 */
import { type FlowStatus, flowStatuses, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import { routingKeyOf } from '../flow/protocol.ts';
import { partitionOf } from '../shard/index.ts';
import { ChangeOrder } from './change-order.ts';

/** A flow, as those see it who follow changes. */
export interface IndexedFlow {
  readonly flowId: string;
  /** Its newest status. */
  readonly bytes: Uint8Array;
  /** Number of its last change; see `ChangeOrder`. */
  readonly changed: number;
  /** Number of its status among those of its shard. */
  readonly commit: number;
  /** When status or stage changed last, in milliseconds since 1970. */
  readonly updated: number;
  /** Statuses that it was seen in since it is known here. */
  readonly was: (status: FlowStatus) => boolean;
}

class Entry implements IndexedFlow {
  readonly flowId: string;
  /** Place in the order of arrival. */
  readonly place: number;
  bytes: Uint8Array = new Uint8Array();
  record: StatusRecord | undefined;
  changed = 0;
  commit = 0;
  updated = 0;
  #statuses = 0;

  constructor(flowId: string, place: number) {
    this.flowId = flowId;
    this.place = place;
  }

  set(bytes: Uint8Array, { status, commit, updated }: StatusRecord): void {
    this.bytes = bytes;
    this.record = undefined;
    this.commit = commit;
    this.updated = updated;
    this.#statuses |= bitOf(status);
  }

  was(status: FlowStatus): boolean {
    return (this.#statuses & bitOf(status)) !== 0;
  }
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
  readonly #partitions: number;
  /** The newest flow of each routing key, which its id begins with. */
  readonly #byKey = new Map<string, Entry>();
  /** By id: flows whose routing key belongs to a newer one by now. */
  readonly #former = new Map<string, Entry>();
  readonly #changes = new ChangeOrder<Entry>();
  /** Flow ids in order of arrival; undefined where one has left. */
  #order: Array<string | undefined> = [];
  #holes = 0;
  /** Place of `#order[0]`. */
  #base = 0;
  /** By shard: the newest number of a status. */
  readonly #commits = new Map<number, number>();
  #lastRemoved = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  get size(): number {
    return this.#byKey.size + this.#former.size;
  }

  /** Takes the snapshot in, oldest flows first, so that pages are in order after a restart too. */
  load(entries: Iterable<[string, Uint8Array]>): void {
    const sorted = [...entries].map(([id, bytes]) => ({ id, bytes, record: statusRecord.decode(bytes) }));
    sorted.sort((a, b) => a.record.created - b.record.created);
    const loaded = sorted.map(({ id, bytes, record }) => this.#set(this.#entry(id), bytes, record));
    // Whoever follows the changes meets those of a shard in their order.
    loaded.sort((a, b) => a.commit - b.commit);
    for (const entry of loaded) this.#changes.touch(entry);
  }

  /** False for a status that is older than the one that is known: it was told again after a takeover. */
  put(id: string, bytes: Uint8Array, record: StatusRecord): boolean {
    const entry = this.#entry(id);
    if (record.commit < entry.commit) return false;
    this.#changes.touch(this.#set(entry, bytes, record));
    return true;
  }

  remove(id: string): void {
    const entry = this.#known(id);
    if (entry === undefined) return;
    this.#lastRemoved = Math.max(this.#lastRemoved, entry.changed);
    this.#changes.drop(entry);
    if (!this.#former.delete(id)) this.#byKey.delete(routingKeyOf(id));
    this.#order[entry.place - this.#base] = undefined;
    this.#holes++;
    // The oldest leave first, so holes gather at the front.
    if (this.#holes > 1_024 && this.#holes * 2 > this.#order.length) this.#trim();
  }

  get(id: string): StatusRecord | undefined {
    const entry = this.#known(id);
    if (entry === undefined) return undefined;
    entry.record ??= statusRecord.decode(entry.bytes);
    return entry.record;
  }

  byRoutingKey(key: string): string | undefined {
    return this.#byKey.get(key)?.flowId;
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

  // --- changes

  find(id: string): IndexedFlow | undefined {
    return this.#known(id);
  }

  /** Flows that have changed after change `number`, in the order of their last changes; those of a shard by `commit`. */
  changedAfter(number: number): Iterable<IndexedFlow> {
    return this.#changes.after(number);
  }

  /** Number of the last change of all. */
  get lastChange(): number {
    return this.#changes.last;
  }

  /** The greatest number that the last change of a flow had that is forgotten by now. */
  get lastRemoved(): number {
    return this.#lastRemoved;
  }

  /** By shard: the newest number of a status. */
  get commits(): ReadonlyMap<number, number> {
    return this.#commits;
  }

  partitionOf(flowId: string): number {
    return partitionOf(routingKeyOf(flowId), this.#partitions);
  }

  #known(id: string): Entry | undefined {
    const newest = this.#byKey.get(routingKeyOf(id));
    return newest?.flowId === id ? newest : this.#former.get(id);
  }

  #entry(id: string): Entry {
    const known = this.#known(id);
    if (known !== undefined) return known;
    const entry = new Entry(id, this.#base + this.#order.length);
    const key = routingKeyOf(id);
    const former = this.#byKey.get(key);
    if (former !== undefined) this.#former.set(former.flowId, former);
    this.#order.push(id);
    this.#byKey.set(key, entry);
    return entry;
  }

  #set(entry: Entry, bytes: Uint8Array, record: StatusRecord): Entry {
    entry.set(bytes, record);
    const partition = this.partitionOf(entry.flowId);
    this.#commits.set(partition, Math.max(this.#commits.get(partition) ?? 0, record.commit));
    return entry;
  }

  #trim(): void {
    let leading = 0;
    while (leading < this.#order.length && this.#order[leading] === undefined) leading++;
    this.#order = this.#order.slice(leading);
    this.#base += leading;
    this.#holes -= leading;
  }
}

function bitOf(status: FlowStatus): number {
  return 1 << flowStatuses.indexOf(status);
}

/**
 * What the RPC service knows of flows: the topic `flow.status` as an index by id, by request, in order of arrival, and in
 * order of change. Records are decoded when somebody looks at them; most are never looked at.
 */
import { type FlowStatus, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import { routingKeyOf } from '../flow/protocol.ts';
import { partitionOf } from '../shard/index.ts';
import { ChangeOrder } from './change-order.ts';
import { IndexedFlow } from './indexed-flow.ts';

export interface Listed {
  readonly flowId: string;
  readonly record: StatusRecord;
}

export interface ListFilter {
  /** Only flows of this status, which is found without decoding the others. */
  readonly status: FlowStatus | undefined;
  readonly matches: (record: StatusRecord) => boolean;
  readonly limit: number;
  /** Cursor of the former page: flows older than this place. */
  readonly before: number | undefined;
}

/** Flows that are forgotten leave the order of arrival when there are more of them than of others. */
const fewForgotten = 1_024;

export class FlowIndex {
  readonly #partitions: number;
  /** The newest flow of each routing key, which its id begins with. */
  readonly #byKey = new Map<string, IndexedFlow>();
  /** By id: flows whose routing key belongs to a newer one by now. */
  readonly #former = new Map<string, IndexedFlow>();
  readonly #changes = new ChangeOrder<IndexedFlow>();
  /** Flows in order of arrival, those that are forgotten included. */
  #order: IndexedFlow[] = [];
  #forgotten = 0;
  #nextPlace = 0;
  /** By shard: the newest number of a status. */
  readonly #commits = new Map<number, number>();
  #lastRemoved = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  get size(): number {
    return this.#byKey.size + this.#former.size;
  }

  /** Places that the order of arrival takes, those of flows that are forgotten included. */
  get places(): number {
    return this.#order.length;
  }

  /** Takes the snapshot in, oldest flows first, so that pages are in order after a restart too. */
  load(entries: Iterable<[string, Uint8Array]>): void {
    const sorted = [...entries].map(([id, bytes]) => {
      const { created, commit, status } = statusRecord.decode(bytes);
      return { id, bytes, created, commit, status };
    });
    sorted.sort((a, b) => a.created - b.created);
    const loaded = sorted.map(({ id, bytes, commit, status }) => this.#set(this.#entry(id), bytes, { commit, status }));
    // Whoever follows the changes meets those of a shard in their order.
    loaded.sort((a, b) => a.commit - b.commit);
    for (const flow of loaded) this.#changes.touch(flow);
  }

  /** False for a status that is older than the one that is known: it was told again after a takeover. */
  put(id: string, bytes: Uint8Array, record: Pick<StatusRecord, 'status' | 'commit'>): boolean {
    const flow = this.#entry(id);
    if (record.commit < flow.commit) return false;
    this.#changes.touch(this.#set(flow, bytes, record));
    return true;
  }

  remove(id: string): void {
    const flow = this.find(id);
    if (flow === undefined) return;
    this.#lastRemoved = Math.max(this.#lastRemoved, flow.changed);
    this.#changes.drop(flow);
    if (!this.#former.delete(id)) this.#byKey.delete(flow.key);
    flow.forget();
    this.#forgotten++;
    if (this.#forgotten <= fewForgotten || this.#forgotten * 2 <= this.#order.length) return;
    this.#order = this.#order.filter(({ isForgotten }) => !isForgotten);
    this.#forgotten = 0;
  }

  has(id: string): boolean {
    return this.find(id) !== undefined;
  }

  get(id: string): StatusRecord | undefined {
    return this.find(id)?.record;
  }

  byRoutingKey(key: string): string | undefined {
    return this.#byKey.get(key)?.flowId;
  }

  /** Newest first. `next` is the cursor of the following page. */
  list({ status, matches, limit, before }: ListFilter): {
    readonly flows: Listed[];
    readonly next: number | undefined;
  } {
    const flows: Listed[] = [];
    const end = before === undefined ? this.#order.length : this.#indexOf(before);
    for (let i = end - 1; i >= 0; i--) {
      const flow = this.#order[i];
      if (flow === undefined || flow.isForgotten || (status !== undefined && flow.status !== status)) continue;
      const { record } = flow;
      if (!matches(record)) continue;
      if (flows.length === limit) return { flows, next: flow.place + 1 };
      flows.push({ flowId: flow.flowId, record });
    }
    return { flows, next: undefined };
  }

  // --- changes

  find(id: string): IndexedFlow | undefined {
    const newest = this.#byKey.get(routingKeyOf(id));
    return newest?.is(id) ? newest : this.#former.get(id);
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

  #entry(id: string): IndexedFlow {
    const known = this.find(id);
    if (known !== undefined) return known;
    // A string of its own, without the longer one that it was cut from.
    const key = Buffer.from(routingKeyOf(id), 'latin1').toString('latin1');
    const flow = new IndexedFlow(key, id.slice(key.length), this.#nextPlace++);
    const former = this.#byKey.get(key);
    if (former !== undefined) this.#former.set(former.flowId, former);
    this.#order.push(flow);
    this.#byKey.set(key, flow);
    return flow;
  }

  #set(flow: IndexedFlow, bytes: Uint8Array, record: Pick<StatusRecord, 'status' | 'commit'>): IndexedFlow {
    flow.set(bytes, record);
    const partition = partitionOf(flow.key, this.#partitions);
    this.#commits.set(partition, Math.max(this.#commits.get(partition) ?? 0, record.commit));
    return flow;
  }

  /** Where the first flow stands that has this place in the order of arrival, or a later one. */
  #indexOf(place: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.place ?? place) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The log as one worker of a memory cluster sees it.
 *
 * Owns the worker's claims, tails and tables, and the two halves of each request: what happens when it arrives at the
 * storage, and what happens when the worker hears the answer. Whatever a crashed worker waits for never settles.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock, Random } from '../../../ports/index.ts';
import type {
  AssignmentListener,
  Claim,
  CommitBatch,
  Log,
  LogHealth,
  LogRecord,
  Membership,
  ReadOptions,
  ShardId,
  StoredRecord,
  Table,
  Tail,
  TailReceiver,
  TopicName,
  TopicSpec,
} from '../port.ts';
import { checkAppend, checkBatch, compareKeys, defaultLimits } from '../rules.ts';
import type { Fate, Faults } from './faults.ts';
import type { Host } from './host.ts';
import { MemoryTable } from './memory-table.ts';
import type { Change, Storage } from './storage.ts';

const noBytes = new Uint8Array();

/** Records in one chunk of a restore and of a delivery. */
const chunkRecords = 256;

export interface WorkerSetup {
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly host: Host;
  readonly storage: Storage;
  readonly faults: Faults;
  readonly latencyMs: { readonly min: number; readonly max: number };
  readonly crash: () => void;
  readonly join: (group: string, partitions: number, listener: AssignmentListener) => Membership;
  readonly onClosed: () => void;
}

/** The channels of a claim. Their names are put together once: they are asked for at every commit. */
interface Channels {
  readonly commits: string;
  readonly publications: string;
}

export class WorkerLog implements Log {
  readonly driver = 'memory';
  readonly limits = defaultLimits;
  readonly #setup: WorkerSetup;
  readonly #open = new Set<{ close(): void }>();
  #closed = false;
  #inFlight = 0;
  #idle: (() => void) | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#request('topics', 0, () => this.#setup.storage.ensureTopics(specs));
  }

  topics(): Promise<readonly TopicSpec[]> {
    return this.#request('topics', 0, () => this.#setup.storage.specs());
  }

  async condemn(): Promise<void> {
    // Its storage loses nothing: a shard that says so has a defect, and whoever claims it next says so again.
  }

  async claim(shard: ShardId): Promise<Claim> {
    const { storage, host } = this.#setup;
    const id = { ...shard };
    let lost = false;
    const listeners: Array<() => void> = [];
    const onFenced = (): void =>
      host.deliver(() => {
        lost = true;
        for (const listener of listeners.splice(0)) listener();
      });
    const counter = await this.#request(channelOf(id), this.#latency(), () => storage.claim(id, onFenced));
    // What a predecessor made durable but did not publish is published before anything of this claim can be.
    const before = storage.shard(id).nextPublication;
    const channels: Channels = { commits: channelOf(id), publications: publicationsOf(id) };
    await this.#exchange(channels.publications, this.#latency(), () => storage.publish(id, counter, before));
    let sequence = 0;
    let released = false;
    return {
      shard: id,
      term: { incarnation: 1, counter },
      restore: () => this.#restore(id, counter),
      commit: async (batch) => {
        checkBatch(batch, this.limits);
        for (const { topic } of batch.publications) storage.table(topic);
        if (released) throw new WeirError('WEIR_LOG_FENCED', { ...id, term: `1.${counter}` });
        sequence += 1;
        await this.#commit(id, counter, sequence, batch, channels);
      },
      onLost: (listener) => {
        if (lost) host.deliver(listener);
        else listeners.push(listener);
      },
      release: async () => {
        released = true;
        listeners.length = 0;
      },
    };
  }

  async append(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void> {
    checkAppend(topic, records, this.limits);
    const { storage, faults, id } = this.#setup;
    storage.events(topic, partition);
    const copy = copier(records);
    const copies = records.map(({ key, value }) => ({ key, value: copy(value) ?? noBytes }));
    const fate = faults.append?.({ worker: id, topic, partition, records: records.length }) ?? 'ok';
    await this.#fated(`${topic}/${partition}`, fate, () => storage.append(topic, partition, copies));
  }

  tail(topic: TopicName, partition: number, from: number, receive: TailReceiver): Tail {
    this.#assertOpen();
    const { storage, host } = this.#setup;
    const events = storage.events(topic, partition);
    let next = from;
    let closed = false;
    let scheduled = false;
    const read = (): void => {
      scheduled = false;
      if (closed) return;
      // Offsets have no gaps here, so the place of a record is its distance from the oldest one.
      const start = Math.max(0, next - (events.records[0]?.offset ?? events.next));
      if (start >= events.records.length) return;
      const chunk = events.records.slice(start, start + chunkRecords);
      next = (chunk.at(-1)?.offset ?? next) + 1;
      const held = receive(chunk);
      const goOn = (): void => {
        scheduled = false;
        if (next < events.next) wake();
      };
      if (held === undefined) {
        goOn();
        return;
      }
      // Nothing is read until the receiver has room again.
      scheduled = true;
      held.then(goOn, goOn);
    };
    const wake = (): void => {
      if (scheduled || closed) return;
      scheduled = true;
      host.deliver(read);
    };
    const tail: Tail = {
      close: () => {
        closed = true;
        events.watchers.delete(wake);
        this.#open.delete(tail);
      },
    };
    events.watchers.add(wake);
    this.#open.add(tail);
    wake();
    return tail;
  }

  async table(topic: TopicName): Promise<Table> {
    const { storage, host } = this.#setup;
    const awaits = (partition: number): boolean => storage.awaits(topic, partition);
    const table: MemoryTable = new MemoryTable(awaits, () => {
      storage.table(topic).tableWatchers.delete(watch);
      this.#open.delete(table);
    });
    const watch = (changes: readonly Change[]): void => {
      table.expect();
      host.deliver(() => table.hear(changes));
    };
    // Snapshot and subscription are taken in one step, so no change is missed or heard twice.
    await this.#request('tables', this.#latency(), () => {
      table.begin(new Map(storage.table(topic).tables.flatMap((records) => [...records])));
      storage.table(topic).tableWatchers.add(watch);
    });
    this.#open.add(table);
    return table;
  }

  async *read(
    topic: TopicName,
    partition: number,
    { after, under = '', backwards = false }: ReadOptions = {},
  ): AsyncIterable<readonly StoredRecord[]> {
    const stored = await this.#request('tables', this.#latency(), () => this.#setup.storage.stored(topic, partition));
    const records = stored
      .filter(({ key }) => key.startsWith(under))
      .map((record) => ({ ...record, position: record.key }));
    if (backwards) records.reverse();
    const from = after === undefined ? 0 : records.findIndex(({ key }) => beyond(key, after, backwards));
    for (let start = from; start >= 0 && start < records.length; start += chunkRecords) {
      this.#assertOpen();
      yield records.slice(start, start + chunkRecords);
    }
  }

  trim(topic: TopicName, partition: number, before: number): Promise<void> {
    return this.#request(`${topic}/${partition}`, 0, () => this.#setup.storage.trim(topic, partition, before));
  }

  async join(group: string, partitions: number, listener: AssignmentListener): Promise<Membership> {
    return this.#request('groups', 0, () => this.#setup.join(group, partitions, listener));
  }

  health(): LogHealth {
    return this.#setup.faults.health?.(this.#setup.id) ?? { state: 'ok' };
  }

  onHealth(): void {
    // Memory never stalls; a slow or lost request is a fault of its own.
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.abandon();
    this.#setup.onClosed();
  }

  /** The worker has crashed: nothing will be heard here again. */
  abandon(): void {
    for (const open of [...this.#open]) open.close();
  }

  async #commit(id: ShardId, counter: number, sequence: number, batch: CommitBatch, channels: Channels): Promise<void> {
    const { storage, faults, id: worker } = this.#setup;
    const copy = copier(batch.records, batch.publications);
    const records = batch.records.map(({ key, value }) => ({ key, value: copy(value) }));
    const publications = batch.publications.map(({ topic, key, value }) => ({ topic, key, value: copy(value) }));
    let applied = false;
    const arrive = (): void => {
      storage.assertOwner(id, counter);
      // A repeat after a lost answer carries the same sequence: it is answered, not applied again.
      if (!applied) storage.commit(id, counter, records, publications);
      applied = true;
    };
    await this.#fated(channels.commits, faults.commit?.({ worker, shard: id, sequence }) ?? 'ok', arrive);
    if (publications.length > 0) {
      // Not awaited: the commit is durable, and the next holder of the claim publishes whatever a crash leaves here.
      const before = storage.shard(id).nextPublication;
      this.#tell(channels.publications, () => storage.publish(id, counter, before));
    }
  }

  async *#restore(id: ShardId, counter: number): AsyncIterable<readonly LogRecord[]> {
    const { storage } = this.#setup;
    const records = await this.#request(channelOf(id), this.#latency(), () => {
      storage.assertOwner(id, counter);
      return storage.snapshot(id);
    });
    for (let start = 0; start < records.length; start += chunkRecords) {
      if (start > 0) await this.#request(channelOf(id), 0, () => storage.assertOwner(id, counter));
      yield records.slice(start, start + chunkRecords);
    }
  }

  #fated(channel: string, fate: Fate, apply: () => void): Promise<void> {
    return fate === 'ok' ? this.#request(channel, this.#latency(), apply) : this.#struck(channel, fate, apply);
  }

  async #struck(channel: string, fate: Exclude<Fate, 'ok'>, apply: () => void): Promise<void> {
    const { crash } = this.#setup;
    const { delayMs, held, what } = typeof fate === 'object' ? fate : { delayMs: 0, held: undefined, what: fate };
    if (held !== undefined) await held;
    await this.#request(channel, this.#latency() + delayMs, () => {
      if (what === 'crash-before') return crash();
      apply();
      if (what === 'crash-after') crash();
    });
    if (what === 'lost-ack') await this.#request(channel, this.#latency(), apply);
  }

  /** A request of the caller: refused once the log is closed. */
  #request<Answer>(channel: string, delayMs: number, arrive: () => Answer): Promise<Answer> {
    if (this.#closed) return Promise.reject(new WeirError('WEIR_LOG_CLOSED'));
    return this.#exchange(channel, delayMs, arrive);
  }

  #exchange<Answer>(channel: string, delayMs: number, arrive: () => Answer): Promise<Answer> {
    const { host } = this.#setup;
    this.#inFlight += 1;
    return new Promise<Answer>((resolve, reject) => {
      host.send(channel, delayMs, () => {
        const answer = attempt(arrive);
        host.deliver(() => {
          if ('error' in answer) reject(answer.error);
          else resolve(answer.value);
          this.#over();
        });
      });
    });
  }

  /** A request whose answer nobody awaits: none comes. */
  #tell(channel: string, arrive: () => void): void {
    const { host } = this.#setup;
    this.#inFlight += 1;
    host.send(channel, this.#latency(), () => {
      arrive();
      if (this.#idle === undefined) this.#inFlight -= 1;
      else host.deliver(() => this.#over());
    });
  }

  #over(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#idle?.();
  }

  #latency(): number {
    const { random, latencyMs } = this.#setup;
    return latencyMs.max > 0 ? latencyMs.min + (latencyMs.max - latencyMs.min) * random.next() : 0;
  }

  #assertOpen(): void {
    if (this.#closed) throw new WeirError('WEIR_LOG_CLOSED');
  }
}

/** Whether a key comes behind that of `position`. */
function beyond(key: string, position: string, backwards: boolean): boolean {
  const order = compareKeys(key, position);
  return backwards ? order < 0 : order > 0;
}

function attempt<Value>(run: () => Value): { readonly value: Value } | { readonly error: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

/** The caller may reuse its buffers once the call returns. Values of one batch are copied into one buffer. */
function copier(
  records: readonly Pick<LogRecord, 'value'>[],
  publications: readonly Pick<LogRecord, 'value'>[] = [],
): (value: Uint8Array | null) => Uint8Array | null {
  let bytes = 0;
  for (const { value } of records) bytes += value?.byteLength ?? 0;
  for (const { value } of publications) bytes += value?.byteLength ?? 0;
  // Of the pool that Node has for small buffers: memory of its own costs more than a small batch.
  const pooled = Buffer.allocUnsafe(bytes);
  const { buffer: memory, byteOffset: start } = pooled;
  let used = 0;
  return (value) => {
    if (value === null) return null;
    const { byteLength } = value;
    pooled.set(value, used);
    used += byteLength;
    return new Uint8Array(memory, start + used - byteLength, byteLength);
  };
}

function publicationsOf(id: ShardId): string {
  return `${channelOf(id)}/publications`;
}

function channelOf({ topic, partition }: ShardId): string {
  return `${topic}/${partition}`;
}

/**
 * The log of one process, durable on disk: claims, commits, events, tables and membership over a group writer.
 *
 * Owns what is where in the store. All partitions belong to this process; a claim still fences older claims, since a
 * restarted shard must keep out its former self.
 */
import { WeirError } from '../../../errors/index.ts';
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
  TailRecord,
  TopicName,
  TopicSpec,
} from '../port.ts';
import { checkAppend, checkBatch, checkTopic, defaultLimits, expectTopic } from '../rules.ts';
import { contentOf, encodeEvent, Operations, offsetKey, partitionPrefix, prefixEnd } from './codec.ts';
import { EmbeddedClaim } from './embedded-claim.ts';
import { EventStream } from './event-stream.ts';
import type { GroupWriter } from './group-writer.ts';
import { LiveTable } from './live-table.ts';
import { readOrdered, type StreamSetup } from './read-prefix.ts';
import { putClaim, putTopic, readSystemRecords, type StoredTopic } from './system-records.ts';

interface Topic extends StoredTopic {
  /** What the keys of each partition begin with. */
  readonly prefixes: readonly string[];
  readonly events: EventStream[];
  readonly tables: Set<LiveTable>;
}

interface Fence {
  counter: number;
  onFenced: () => void;
}

export interface EmbeddedSetup extends StreamSetup {
  readonly incarnation: number;
  /** Lets go of the files, after the last write. */
  readonly release: () => Promise<void>;
}

export class EmbeddedLog implements Log {
  readonly driver = 'embedded';
  readonly limits = defaultLimits;
  readonly #setup: EmbeddedSetup;
  readonly #topics = new Map<TopicName, Topic>();
  readonly #fences = new Map<string, Fence>();
  readonly #trims = new Set<EventStream>();
  readonly #tails = new Set<Tail>();
  #incarnation: number;
  #writer: GroupWriter | undefined;
  #closing: Promise<void> | undefined;

  constructor(setup: EmbeddedSetup) {
    this.#setup = setup;
    this.#incarnation = setup.incarnation;
  }

  /** Reads topics, claim counters and ends of partitions; called once, before anything else. */
  async load(writer: GroupWriter): Promise<void> {
    this.#writer = writer;
    const { store, directory } = this.#setup;
    const { topics, incarnation = 0, claims, trimmed } = await readSystemRecords(store, directory);
    this.#incarnation = Math.max(this.#incarnation, incarnation);
    for (const [prefix, counter] of claims) this.#fences.set(prefix, { counter, onFenced: () => undefined });
    for (const topic of topics) this.#topics.set(topic.spec.name, await this.#openTopic(topic, trimmed));
  }

  /** Adds what trims have left to a group that is written anyway. */
  takeTrimmed(group: Operations): void {
    for (const stream of this.#trims) {
      stream.takeTrimmed(group);
      if (!stream.hasTrimmed) this.#trims.delete(stream);
    }
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    const writer = this.#open();
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    const operations = new Operations();
    for (const { name, partitions, kind } of specs) {
      if (this.#topics.has(name)) continue;
      const topic = { spec: { name, partitions, kind }, place: name };
      this.#topics.set(name, this.#newTopic(topic));
      putTopic(operations, topic);
    }
    if (operations.keys.length > 0) await writer.submit(operations);
  }

  async topics(): Promise<readonly TopicSpec[]> {
    this.#open();
    return [...this.#topics.values()].map(({ spec }) => ({ ...spec }));
  }

  async condemn(): Promise<void> {
    // There is no other worker to be told, and this one finds out again.
  }

  async claim(shard: ShardId): Promise<Claim> {
    const writer = this.#open();
    const prefix = this.#prefixOf(shard);
    const before = this.#fences.get(prefix);
    const counter = (before?.counter ?? 0) + 1;
    const claim = new EmbeddedClaim({
      streams: this.#setup,
      shard: { ...shard },
      prefix,
      term: { incarnation: this.#incarnation, counter },
      commit: (id, batch) => this.#commit(id, batch),
    });
    this.#fences.set(prefix, { counter, onFenced: () => claim.fence() });
    // What the old claim has submitted goes first and stays; from here on it can submit nothing.
    before?.onFenced();
    const operations = new Operations();
    putClaim(operations, prefix, counter);
    await writer.submit(operations);
    return claim;
  }

  async append(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void> {
    const writer = this.#open();
    const stream = this.#stream(topic, partition);
    checkAppend(topic, records, this.limits);
    if (records.length === 0) return;
    const start = stream.end;
    stream.end += records.length;
    const operations = new Operations();
    const live: TailRecord[] = [];
    for (const [index, { key, value }] of records.entries()) {
      const offset = start + index;
      operations.put(offsetKey(stream.prefix, offset), encodeEvent(key, value ?? new Uint8Array()));
      if (stream.watched) live.push({ key, value: Uint8Array.from(value ?? []), offset });
    }
    await writer.submit(operations, () => stream.appended(start, start + records.length, live));
  }

  tail(topic: TopicName, partition: number, from: number, receive: TailReceiver): Tail {
    this.#open();
    const inner = this.#stream(topic, partition).tail(from, receive);
    const tail: Tail = {
      close: () => {
        inner.close();
        this.#tails.delete(tail);
      },
    };
    this.#tails.add(tail);
    return tail;
  }

  async table(name: TopicName): Promise<Table> {
    this.#open();
    const topic = expectTopic(this.#topics, name, 'table');
    const table: LiveTable = new LiveTable(this.#setup.logger, () => topic.tables.delete(table));
    topic.tables.add(table);
    await table.load(this.#setup, topic);
    return table;
  }

  async *read(name: TopicName, partition: number, options: ReadOptions = {}): AsyncIterable<readonly StoredRecord[]> {
    this.#open();
    const { place } = expectTopic(this.#topics, name, 'table', partition);
    yield* readOrdered(this.#setup, partitionPrefix(place, partition), options);
  }

  /** Records are gone for readers at once; the store forgets them along with later groups. */
  async trim(topic: TopicName, partition: number, before: number): Promise<void> {
    this.#open();
    const stream = this.#stream(topic, partition);
    stream.trim(before);
    if (stream.hasTrimmed) this.#trims.add(stream);
  }

  async join(_group: string, partitions: number, listener: AssignmentListener): Promise<Membership> {
    this.#open();
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    let left = false;
    let assigned = false;
    this.#setup.clock.soon(() => {
      if (left || this.#closing !== undefined) return;
      assigned = true;
      listener.assigned(all);
    });
    return {
      lost: (partition) => {
        this.#setup.clock.soon(() => {
          if (!left && this.#closing === undefined) listener.assigned([partition]);
        });
      },
      leave: async () => {
        if (left) return;
        left = true;
        if (assigned) await listener.revoked(all);
      },
    };
  }

  health(): LogHealth {
    return this.#writer?.health ?? { state: 'ok' };
  }

  onHealth(listener: (health: LogHealth) => void): void {
    this.#writer?.onHealth(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The commit of a claim that is known to hold its shard. */
  async #commit(shard: ShardId, batch: CommitBatch): Promise<void> {
    const writer = this.#open();
    checkBatch(batch, this.limits);
    const operations = new Operations();
    const { records, publications } = batch;
    operations.reserve(records, publications);
    const prefix = this.#prefixOf(shard);
    for (const record of records) operations.record(prefix, record);
    const first = operations.keys.length;
    const topics: Topic[] = [];
    for (const publication of publications) {
      const topic = expectTopic(this.#topics, publication.topic, 'table', shard.partition);
      topics.push(topic);
      operations.record(prefixIn(topic, shard.partition), publication);
    }
    if (operations.keys.length === 0) return;
    await writer.submit(operations, () => {
      // Views are looked up only now: one that was opened meanwhile may have read the store before this commit.
      let at = 0;
      for (const { key } of publications) {
        applyTo(topics[at]?.tables, key, operations.values[first + at]);
        at++;
      }
    });
  }

  async #close(): Promise<void> {
    for (const tail of [...this.#tails]) tail.close();
    for (const { tables } of this.#topics.values()) for (const table of [...tables]) table.close();
    await this.#writer?.close();
    await this.#setup.release();
  }

  #prefixOf({ topic, partition }: ShardId): string {
    return prefixIn(expectTopic(this.#topics, topic, 'state', partition), partition);
  }

  async #openTopic(stored: StoredTopic, trimmed: ReadonlyMap<string, number>): Promise<Topic> {
    const topic = this.#newTopic(stored);
    for (const [partition] of topic.events.entries()) {
      const prefix = partitionPrefix(stored.place, partition);
      const range = { gte: prefix, lt: prefixEnd(prefix), limit: 1, reverse: true };
      const [last] = await this.#setup.store.read(range);
      const base = trimmed.get(prefix) ?? 0;
      const end = last === undefined ? base : Math.max(base, Number(last[0].slice(prefix.length)) + 1);
      topic.events[partition] = this.#newStream(stored.place, partition, base, end);
    }
    return topic;
  }

  #newTopic({ spec, place }: StoredTopic): Topic {
    const length = spec.kind === 'events' ? spec.partitions : 0;
    const events = Array.from({ length }, (_, partition) => this.#newStream(place, partition, 0, 0));
    const prefixes = Array.from({ length: spec.partitions }, (_, partition) => partitionPrefix(place, partition));
    return { spec, place, prefixes, events, tables: new Set() };
  }

  #newStream(place: string, partition: number, trimmed: number, end: number): EventStream {
    return new EventStream({ ...this.#setup, prefix: partitionPrefix(place, partition), trimmed, end });
  }

  #stream(name: TopicName, partition: number): EventStream {
    const stream = expectTopic(this.#topics, name, 'events', partition).events[partition];
    if (stream === undefined) throw new Error('a partition within the count of its topic must exist');
    return stream;
  }

  #open(): GroupWriter {
    if (this.#closing !== undefined || this.#writer === undefined) throw new WeirError('WEIR_LOG_CLOSED');
    return this.#writer;
  }
}

function prefixIn({ prefixes, place }: Topic, partition: number): string {
  return prefixes[partition] ?? partitionPrefix(place, partition);
}

function applyTo(tables: ReadonlySet<LiveTable> | undefined, key: string, stored: Uint8Array | null | undefined): void {
  if (tables === undefined || tables.size === 0) return;
  // A copy of its own, because the stored value shares its memory with all others of the commit.
  const value = stored === null || stored === undefined ? undefined : Uint8Array.from(contentOf(stored));
  for (const table of tables) table.apply(key, value);
}

/**
 * What the workers of a memory cluster share: the topics, and for each shard who may write it.
 *
 * Owns the rules of the broker (fence, atomic commit, publications kept until acknowledged, offsets). Everything here
 * is synchronous: when a request arrives, and whether its answer is heard, is the host's.
 */
import { WeirError } from '../../../errors/index.ts';
import type { LogRecord, Publication, ShardId, TailRecord, TopicName, TopicSpec } from '../port.ts';
import { checkTopic, compareKeys, expectTopic } from '../rules.ts';

/** Told when a partition has something new to read. */
export type Watcher = () => void;

export interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface ShardPartition {
  /** Claims so far; the holder of the newest one alone may write. */
  counter: number;
  /** Tells the holder of the newest claim that it lost the shard. */
  onFenced: () => void;
  readonly records: Map<string, Uint8Array>;
  /** Publications of durable commits that their topics have not acknowledged, by number: the records `s/<n>`. */
  readonly unpublished: Map<number, Publication>;
  nextPublication: number;
}

export interface EventsPartition {
  readonly records: TailRecord[];
  /** Offset of the next record. */
  next: number;
  readonly watchers: Set<Watcher>;
}

interface Topic {
  readonly spec: TopicSpec;
  readonly shards: ShardPartition[];
  readonly events: EventsPartition[];
  /** Live records of each partition of a `table` topic. */
  readonly tables: ReadonlyArray<Map<string, Uint8Array>>;
  /** Told of what a publication has changed in a table, in order. */
  readonly tableWatchers: Set<(changes: readonly Change[]) => void>;
}

export class Storage {
  readonly #topics = new Map<TopicName, Topic>();

  specs(): TopicSpec[] {
    return [...this.#topics.values()].map(({ spec }) => ({ ...spec }));
  }

  ensureTopics(specs: readonly TopicSpec[]): void {
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    for (const spec of specs) {
      if (this.#topics.has(spec.name)) continue;
      this.#topics.set(spec.name, {
        spec: { ...spec },
        shards: Array.from({ length: spec.kind === 'state' ? spec.partitions : 0 }, newShard),
        events: Array.from({ length: spec.kind === 'events' ? spec.partitions : 0 }, newEvents),
        tables: Array.from({ length: spec.kind === 'table' ? spec.partitions : 0 }, () => new Map()),
        tableWatchers: new Set(),
      });
    }
  }

  shard({ topic, partition }: ShardId): ShardPartition {
    return present(expectTopic(this.#topics, topic, 'state', partition).shards[partition]);
  }

  events(topic: TopicName, partition: number): EventsPartition {
    return present(expectTopic(this.#topics, topic, 'events', partition).events[partition]);
  }

  table(topic: TopicName, partition?: number): Pick<Topic, 'tables' | 'tableWatchers'> {
    return expectTopic(this.#topics, topic, 'table', partition);
  }

  /** Whether commits have made something durable for that partition of a table that its topic does not have yet. */
  awaits(topic: TopicName, partition: number): boolean {
    for (const { shards } of this.#topics.values()) {
      for (const publication of shards[partition]?.unpublished.values() ?? []) {
        if (publication.topic === topic) return true;
      }
    }
    return false;
  }

  /** Live records of one partition of a table, in key order. */
  stored(topic: TopicName, partition: number): Array<{ readonly key: string; readonly value: Uint8Array }> {
    return inKeyOrder(present(this.table(topic, partition).tables[partition]));
  }

  /** Fences every older claim of the shard and gives the counter of the new one. */
  claim(id: ShardId, onFenced: () => void): number {
    const shard = this.shard(id);
    shard.onFenced();
    shard.onFenced = onFenced;
    shard.counter += 1;
    return shard.counter;
  }

  /** @throws WeirError `WEIR_LOG_FENCED` */
  assertOwner(id: ShardId, counter: number): void {
    if (this.shard(id).counter === counter) return;
    throw new WeirError('WEIR_LOG_FENCED', { topic: id.topic, partition: id.partition, term: `1.${counter}` });
  }

  commit(id: ShardId, counter: number, records: readonly LogRecord[], publications: readonly Publication[]): void {
    this.assertOwner(id, counter);
    const shard = this.shard(id);
    for (const { key, value } of records) set(shard.records, key, value);
    for (const publication of publications) shard.unpublished.set(shard.nextPublication++, publication);
  }

  /** Makes the publications below `before` visible; a repeat, or one of an older claim, has no effect. */
  publish(id: ShardId, counter: number, before: number): void {
    const shard = this.shard(id);
    if (shard.counter !== counter) return;
    const changed = new Map<TopicName, Change[]>();
    for (const [number, { topic: name, key, value }] of shard.unpublished) {
      if (number >= before) break;
      shard.unpublished.delete(number);
      set(present(this.table(name).tables[id.partition]), key, value);
      const change = { key, value: value ?? undefined };
      const changes = changed.get(name);
      if (changes === undefined) changed.set(name, [change]);
      else changes.push(change);
    }
    // Together, as a consumer of a topic fetches them.
    for (const [name, changes] of changed) {
      for (const watch of [...this.table(name).tableWatchers]) watch(changes);
    }
  }

  /** The shard's live records as they are now, in key order. */
  snapshot(id: ShardId): LogRecord[] {
    return inKeyOrder(this.shard(id).records);
  }

  append(topic: TopicName, partition: number, records: ReadonlyArray<{ key: string; value: Uint8Array }>): void {
    const events = this.events(topic, partition);
    for (const { key, value } of records) events.records.push({ key, value, offset: events.next++ });
    for (const watch of [...events.watchers]) watch();
  }

  trim(topic: TopicName, partition: number, before: number): void {
    const { records } = this.events(topic, partition);
    records.splice(0, Math.max(0, before - (records[0]?.offset ?? before)));
  }
}

function newShard(): ShardPartition {
  return { counter: 0, onFenced: () => undefined, records: new Map(), unpublished: new Map(), nextPublication: 0 };
}

function newEvents(): EventsPartition {
  return { records: [], next: 0, watchers: new Set() };
}

function inKeyOrder(records: ReadonlyMap<string, Uint8Array>): Array<{ key: string; value: Uint8Array }> {
  const list = [...records].map(([key, value]) => ({ key, value }));
  return list.sort((a, b) => compareKeys(a.key, b.key));
}

function set(records: Map<string, Uint8Array>, key: string, value: Uint8Array | null): void {
  if (value === null) records.delete(key);
  else records.set(key, value);
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a partition within the count of its topic must exist');
  return value;
}

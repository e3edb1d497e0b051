/**
 * The embedded log while no node runs on it. The lock of the directory keeps everybody else out, so nothing changes
 * between two reads.
 *
 * Owns the places of staged topics: ranges of keys that no record of the log names. What an act that broke off has left
 * there is removed when the next one begins.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../../../errors/index.ts';
import { type LogStage, type OfflineLog, placeOf } from '../offline.ts';
import type { LogRecord, TopicName, TopicSpec } from '../port.ts';
import { checkTopic, defaultLimits, expectTopic } from '../rules.ts';
import { decodeEvent, encodeEvent, Operations, offsetKey, partitionPrefix, prefixEnd, systemPrefix } from './codec.ts';
import { formatName } from './directory.ts';
import { type EmbeddedLogSettings, type OpenDirectory, openDirectory } from './open.ts';
import { chunkRecords, readPrefix } from './read-prefix.ts';
import { forgetPartition, putIncarnation, putTopic, readSystemRecords, type StoredTopic } from './system-records.ts';

export interface EmbeddedOfflineSettings extends EmbeddedLogSettings {
  /** Whether a directory without a log is one to write into. Default: it is refused. */
  readonly create?: boolean;
}

/** Removals that one group takes along. */
const removalsAtOnce = 5_000;

/** @throws WeirError `WEIR_LOG_NONE` when there is no log, and as `openEmbeddedLog` does */
export async function openEmbeddedOffline(settings: EmbeddedOfflineSettings): Promise<OfflineLog> {
  const { directory, create = false } = settings;
  if (!create && !existsSync(join(directory, formatName))) throw new WeirError('WEIR_LOG_NONE', { place: directory });
  const opened = await openDirectory(settings);
  try {
    const { topics, incarnation = 0 } = await readSystemRecords(opened.store, directory);
    await opened.fillReserve();
    return new EmbeddedOffline(directory, opened, topics, Math.max(opened.incarnation, incarnation));
  } catch (error) {
    await opened.release();
    throw error;
  }
}

class EmbeddedOffline implements OfflineLog {
  readonly driver = 'embedded';
  readonly limits = defaultLimits;
  readonly place: string;
  readonly incarnation: number;
  readonly topics: readonly TopicSpec[];
  readonly #opened: OpenDirectory;
  readonly #stored: ReadonlyMap<TopicName, StoredTopic>;

  constructor(directory: string, opened: OpenDirectory, topics: readonly StoredTopic[], incarnation: number) {
    this.place = directory;
    this.#opened = opened;
    this.incarnation = incarnation;
    this.topics = topics.map(({ spec }) => spec);
    this.#stored = new Map(topics.map((topic) => [topic.spec.name, topic]));
  }

  async fence(): Promise<void> {
    // Whoever has the lock of the directory is alone.
  }

  records(name: TopicName, partition: number): AsyncIterable<readonly LogRecord[]> {
    const topic = this.#stored.get(name);
    const kind = topic?.spec.kind === 'table' ? 'table' : 'state';
    const { place } = expectTopic(this.#stored, name, kind, partition);
    return this.#read(partitionPrefix(place, partition));
  }

  events(name: TopicName, partition: number, from: number): AsyncIterable<readonly LogRecord[]> {
    const { place } = expectTopic(this.#stored, name, 'events', partition);
    return this.#events(partitionPrefix(place, partition), from);
  }

  async assertStill(): Promise<void> {
    // As for `fence`.
  }

  async stage(specs: readonly TopicSpec[], incarnation: number): Promise<LogStage> {
    const staged = new Map<TopicName, StoredTopic>();
    for (const spec of specs) {
      checkTopic(spec, undefined);
      staged.set(spec.name, { spec, place: placeOf(spec.name, incarnation) });
    }
    await this.#removeStrays(new Set([...this.#stored.values()].map(({ place }) => place)));
    const ends = new Map<string, number>();
    return {
      write: (name, partition, records) => this.#write(staged, ends, { name, partition, records }),
      read: (name, partition) => {
        const { spec, place } = known(staged, name);
        const prefix = partitionPrefix(place, partition);
        return spec.kind === 'events' ? this.#events(prefix, 0) : this.#read(prefix);
      },
      publish: () => this.#publish(staged, incarnation),
      discard: () => this.#removeStrays(new Set([...this.#stored.values()].map(({ place }) => place))),
    };
  }

  /** Offsets are part of the directory, so a copy of it has the same ones: nothing needs mending. */
  async adopt(incarnation: number): Promise<void> {
    const group = new Operations();
    putIncarnation(group, incarnation);
    await this.#opened.writer.submit(group);
  }

  async strangeness(): Promise<readonly string[]> {
    // A copy of the directory is the same to the last bit.
    return [];
  }

  async close(): Promise<void> {
    await this.#opened.writer.close();
    await this.#opened.release();
  }

  async *#read(prefix: string): AsyncGenerator<readonly LogRecord[]> {
    // The decoded values share memory with the store's answer, which nobody writes to.
    yield* readPrefix({ store: this.#opened.store, directory: this.place }, prefix);
  }

  async *#events(prefix: string, from: number): AsyncGenerator<readonly LogRecord[]> {
    for await (const chunk of this.#read(prefix)) {
      const events = chunk.flatMap(({ key, value }) => {
        const offset = Number(key);
        return value === null || offset < from ? [] : [decodeEvent(value, offset)];
      });
      if (events.length > 0) yield events.map(({ key, value }) => ({ key, value }));
    }
  }

  async #write(
    staged: ReadonlyMap<TopicName, StoredTopic>,
    ends: Map<string, number>,
    { name, partition, records }: { name: TopicName; partition: number; records: readonly LogRecord[] },
  ): Promise<void> {
    const { spec, place } = known(staged, name);
    const prefix = partitionPrefix(place, partition);
    const group = new Operations();
    if (spec.kind === 'events') {
      let offset = ends.get(prefix) ?? 0;
      for (const { key, value } of records) {
        group.put(offsetKey(prefix, offset), encodeEvent(key, value ?? new Uint8Array()));
        offset += 1;
      }
      ends.set(prefix, offset);
    } else group.records(prefix, records);
    await this.#opened.writer.submit(group);
  }

  async #publish(staged: ReadonlyMap<TopicName, StoredTopic>, incarnation: number): Promise<readonly string[]> {
    const group = new Operations();
    const current = new Map(this.#stored);
    for (const [name, topic] of staged) {
      const before = this.#stored.get(name);
      for (let partition = 0; partition < (before?.spec.partitions ?? 0); partition += 1) {
        forgetPartition(group, partitionPrefix(before?.place ?? name, partition));
      }
      putTopic(group, topic);
      current.set(name, topic);
    }
    putIncarnation(group, incarnation);
    await this.#opened.writer.submit(group);
    await this.#removeStrays(new Set([...current.values()].map(({ place }) => place)));
    return [];
  }

  /** Removes whatever lies under no place of the log. */
  async #removeStrays(places: ReadonlySet<string>): Promise<void> {
    const { store, writer } = this.#opened;
    // Behind the log's own records.
    let from = String.fromCharCode(systemPrefix.charCodeAt(0) + 1);
    for (;;) {
      const entries = await store.read({ gte: from, lt: '\u{10ffff}', limit: chunkRecords });
      const [first] = entries;
      if (first === undefined) return;
      const place = first[0].slice(0, first[0].indexOf('/'));
      if (places.has(place)) {
        from = prefixEnd(`${place}/`);
        continue;
      }
      const group = new Operations();
      for (let some = entries; some.length > 0 && group.keys.length < removalsAtOnce; ) {
        const stray = some.filter(([key]) => key.startsWith(`${place}/`));
        for (const [key] of stray) group.delete(key);
        const last = stray.at(-1);
        if (last === undefined || stray.length < chunkRecords) break;
        some = await store.read({ gt: last[0], lt: prefixEnd(`${place}/`), limit: chunkRecords });
      }
      await writer.submit(group);
    }
  }
}

function known(staged: ReadonlyMap<TopicName, StoredTopic>, name: TopicName): StoredTopic {
  const topic = staged.get(name);
  if (topic === undefined) throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: 'does not exist' });
  return topic;
}

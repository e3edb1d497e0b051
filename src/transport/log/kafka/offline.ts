/**
 * The log on a Kafka cluster while no worker runs on it.
 *
 * Owns what was read and where it ended, so that a change is noticed. A partition is read without a claim, which leaves
 * it as it was: nobody runs, and what is read is checked for changes at the end. Staged topics are topics under other
 * names that the registry does not know; one record batch in the registry puts them in place.
 */
import { messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import { type LogStage, type Mend, type OfflineLog, placeOf } from '../offline.ts';
import type { LogLimits, LogRecord, TopicName, TopicSpec } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import { Appender } from './appender.ts';
import { Catalog, type CatalogEntry } from './catalog.ts';
import { takeOver } from './claiming.ts';
import { shardKey, storedKey } from './own-records.ts';
import { PartitionReader } from './partition-reader.ts';
import { Patience } from './patience.ts';
import { probeSpec } from './probe.ts';
import { nameOf } from './refusals.ts';
import { type GivenSettings, type KafkaLogSettings, settingsOf } from './settings.ts';
import { ShardState } from './shard-state.ts';
import { type KafkaWire, kafkaError, type WireBatch } from './wire.ts';

export interface KafkaOfflineSetup extends GivenSettings {
  readonly wire: KafkaWire;
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where the cluster is, for messages. */
  readonly cluster: string;
  /** Whether a prefix without a log is one to write into. Default: it is refused. */
  readonly create?: boolean;
}

/** A partition on the brokers. */
interface Place {
  /** Name with the prefix. */
  readonly name: string;
  readonly partition: number;
}

const chunkRecords = 256;
/** Nobody waits longer for brokers that do not answer at all. */
const openWithinMs = 30_000;

/** @throws WeirError `WEIR_LOG_NONE` when there is no log, `WEIR_LOG_RUNNING`, `WEIR_LOG_UNREACHABLE` after 30 s */
export async function kafkaOffline(setup: KafkaOfflineSetup): Promise<OfflineLog> {
  const settings = settingsOf(setup);
  const { wire, clock } = setup;
  const { prefix, topics: rules, fetchBytes } = settings;
  const patience = new Patience(setup);
  const catalog = new Catalog({ wire, clock, patience, prefix, rules, fetchBytes });
  const log = new KafkaOffline(setup, { settings, patience, catalog });
  const deadline = clock.after(openWithinMs, () => patience.close());
  try {
    await catalog.load();
    if (!catalog.loaded && setup.create !== true) throw new WeirError('WEIR_LOG_NONE', { place: log.place });
    await log.assertStill();
    return log;
  } catch (error) {
    await log.close();
    if (!WeirError.is(error, 'WEIR_LOG_CLOSED')) throw error;
    const why = messageOf(error.cause);
    throw new WeirError('WEIR_LOG_UNREACHABLE', { what: `the log at ${log.place}`, why }, error.cause);
  } finally {
    deadline.cancel();
  }
}

interface Parts {
  readonly settings: KafkaLogSettings;
  readonly patience: Patience;
  readonly catalog: Catalog;
}

class KafkaOffline implements OfflineLog {
  readonly driver = 'kafka';
  readonly place: string;
  readonly limits: LogLimits;
  readonly #setup: KafkaOfflineSetup;
  readonly #parts: Parts;
  /** Offset behind the last record of each partition that was read. */
  readonly #ends = new Map<string, Place & { readonly end: number }>();
  /** What the owners of shards had committed to publish, by table and partition; a shard's is known once it was read. */
  readonly #publications = new Map<string, Map<string, Uint8Array | null>>();
  readonly #published = new Set<string>();

  constructor(setup: KafkaOfflineSetup, parts: Parts) {
    this.#setup = setup;
    this.#parts = parts;
    this.limits = parts.settings.limits;
    this.place = `${parts.settings.prefix} on ${setup.cluster}`;
  }

  get incarnation(): number {
    return this.#parts.catalog.incarnation;
  }

  get topics(): readonly TopicSpec[] {
    return this.#parts.catalog.specs.filter(({ name }) => name !== probeSpec.name);
  }

  async fence(topic: TopicName): Promise<void> {
    const { partitions } = this.#parts.catalog.expect(topic, 'state');
    for (let partition = 0; partition < partitions; partition += 1) await this.#takeOver(topic, partition);
  }

  async *records(topic: TopicName, partition: number): AsyncGenerator<readonly LogRecord[]> {
    const { catalog } = this.#parts;
    const kind = this.topics.find(({ name }) => name === topic)?.kind === 'table' ? 'table' : 'state';
    catalog.expect(topic, kind, partition);
    const at = { name: catalog.nameOf(topic), partition };
    if (kind === 'state') return yield* chunksOf((await this.#shardState(topic, at)).records());
    const publications = await this.#publicationsOf(topic, at);
    yield* this.#live(at, publications);
    const pending = Array.from(publications, ([key, value]) => ({ key, value }));
    yield* chunksOf(pending.filter(({ value }) => value !== null));
  }

  async *events(topic: TopicName, partition: number, from: number): AsyncGenerator<readonly LogRecord[]> {
    const { catalog } = this.#parts;
    catalog.expect(topic, 'events', partition);
    yield* this.#readEvents({ name: catalog.nameOf(topic), partition }, from);
  }

  async assertStill(): Promise<void> {
    const { patience, settings } = this.#parts;
    const { wire, admin } = this.#setup;
    const groups = await patience.until('reading groups', async () => ({ done: await admin.groups(settings.prefix) }));
    const running = new Set(groups.flatMap(({ members }) => members));
    if (running.size > 0) {
      const who = `${[...running].sort().join(', ')}`;
      throw new WeirError('WEIR_LOG_RUNNING', { place: this.place, who });
    }
    for (const { name, partition, end } of this.#ends.values()) {
      const now = await patience.until(`the end of ${name}/${partition}`, async () => {
        const { error, offset } = await wire.offset(name, partition, 'latest');
        return error === kafkaError.none ? { done: offset } : { again: nameOf(error) };
      });
      if (now === end) continue;
      const what = `${name}/${partition} ended at ${end}, and ends at ${now}`;
      throw new WeirError('WEIR_LOG_CHANGED', { place: this.place, what });
    }
  }

  async stage(specs: readonly TopicSpec[], incarnation: number): Promise<LogStage> {
    const { catalog } = this.#parts;
    const wanted = specs.map((spec) => ({ spec, place: placeOf(spec.name, incarnation) }));
    const entries = await catalog.stage(wanted);
    const staged = new Map(entries.map((entry) => [entry.spec.name, entry]));
    const appenders = new Map<string, Appender>();
    const names = entries.map(({ place }) => catalog.named(place));
    return {
      write: (topic, partition, records) => this.#write(entryOf(staged, topic), partition, { records, appenders }),
      read: (topic, partition) => this.#readStaged(entryOf(staged, topic), partition),
      publish: async () => {
        const replaced = entries.flatMap(({ spec }) => {
          const known = catalog.entries.some((entry) => entry.spec.name === spec.name);
          return known ? [catalog.nameOf(spec.name)] : [];
        });
        await catalog.replace(entries, incarnation);
        return replaced;
      },
      discard: async () => {
        try {
          await this.#setup.admin.deleteTopics(names);
        } catch (error) {
          // They are in nobody's way; an operator can remove them.
          this.#setup.logger.warn({ topics: names, error: messageOf(error) }, 'staged topics are left on the brokers');
        }
      },
    };
  }

  async adopt(incarnation: number, mend: Mend): Promise<void> {
    const { catalog } = this.#parts;
    const found = await catalog.found();
    const entries = catalog.entries.map((entry) => {
      const { spec } = entry;
      const topic = found.get(spec.name);
      const refuse = (why: string): never => {
        throw new WeirError('WEIR_LOG_TOPIC', { topic: catalog.nameOf(spec.name), why });
      };
      if (topic === undefined) return refuse('is missing: a log is adopted whole');
      if (topic.partitions !== spec.partitions) refuse(`has ${topic.partitions} partitions, not ${spec.partitions}`);
      return { ...entry, id: topic.id };
    });
    // The registry comes last: until then the log is as strange as it was, and adopted anew from the start.
    for (const { spec } of entries) {
      if (spec.kind !== 'state' || spec.name === probeSpec.name) continue;
      for (let partition = 0; partition < spec.partitions; partition += 1) {
        const { writer, state } = await this.#takeOver(spec.name, partition, incarnation);
        const mended = mend(spec.name, state.records());
        if (mended.length > 0) await writer.write(mended.map(({ key, value }) => ({ key: storedKey(key), value })));
      }
    }
    await catalog.replace(entries, incarnation);
  }

  async strangeness(): Promise<readonly string[]> {
    const { catalog } = this.#parts;
    const found = await catalog.found();
    return catalog.entries.flatMap(({ spec, id }) => {
      const topic = found.get(spec.name);
      const name = catalog.nameOf(spec.name);
      if (topic === undefined) return [`${name} is missing`];
      return id === undefined || topic.id === undefined || id === topic.id ? [] : [`${name} has another id`];
    });
  }

  async close(): Promise<void> {
    this.#parts.patience.close();
    await Promise.all([this.#setup.wire.close(), this.#setup.admin.close()]);
  }

  #takeOver(topic: TopicName, partition: number, incarnation = this.incarnation) {
    const { catalog, patience, settings } = this.#parts;
    const { wire, clock, random, logger } = this.#setup;
    const { leaseMs, fetchBytes, limits } = settings;
    return takeOver({
      ...{ wire, clock, random, logger, patience, incarnation, leaseMs, fetchBytes },
      shard: { topic, partition },
      topic: catalog.nameOf(topic),
      maxBatchBytes: limits.maxBatchBytes,
      ended: () => undefined,
    });
  }

  async #shardState(topic: TopicName, at: Place): Promise<ShardState> {
    const state = new ShardState();
    await this.#toEnd(at, (batch) => state.take(batch));
    state.settle();
    if (!this.#published.has(`${topic}/${at.partition}`)) {
      this.#published.add(`${topic}/${at.partition}`);
      for (const [, { topic: table, key, value }] of state.publications()) {
        const name = `${table}/${at.partition}`;
        const publications = this.#publications.get(name) ?? new Map<string, Uint8Array | null>();
        this.#publications.set(name, publications.set(key, value));
      }
    }
    return state;
  }

  /** What is still to be published in a partition of a table: the newest value of each key, null for a removal. */
  async #publicationsOf(table: TopicName, at: Place): Promise<ReadonlyMap<string, Uint8Array | null>> {
    for (const { name, kind, partitions } of this.topics) {
      if (kind !== 'state' || partitions <= at.partition || this.#published.has(`${name}/${at.partition}`)) continue;
      await this.#shardState(name, { ...at, name: this.#parts.catalog.nameOf(name) });
    }
    return this.#publications.get(`${table}/${at.partition}`) ?? new Map();
  }

  /**
   * The newest record of each key, but for those that are passed over, in the order of their writing. Read twice, so that
   * only keys are held: an audit is far larger than a memory.
   */
  async *#live(at: Place, without: ReadonlyMap<string, unknown>): AsyncGenerator<readonly LogRecord[]> {
    const newest = new Map<string, number>();
    await this.#toEnd(at, (batch) => {
      for (const { key, value, offset } of ownRecords(batch)) {
        if (value === null || without.has(key)) newest.delete(key);
        else newest.set(key, offset);
      }
    });
    const reader = this.#reader(at, 0);
    for (let end = await reader.end(); reader.position < end; ) {
      const batches = await reader.next(0);
      if (batches.length === 0) end = await reader.end();
      yield* chunksOf(
        batches
          .flatMap(ownRecords)
          .flatMap(({ key, value, offset }) => (newest.get(key) === offset ? { key, value } : [])),
      );
    }
  }

  async *#readEvents(at: Place, from: number): AsyncGenerator<readonly LogRecord[]> {
    const reader = this.#reader(at, from);
    let next = from;
    for (let end = await reader.end(); reader.position < end; ) {
      const batches = await reader.next(0);
      if (batches.length === 0) end = await reader.end();
      const events: LogRecord[] = [];
      for (const { control, records } of batches) {
        for (const { key, value, offset } of control ? [] : records) {
          if (offset >= next && key !== null && value !== null) events.push({ key, value });
        }
      }
      next = Math.max(next, reader.position);
      yield* chunksOf(events);
    }
    this.#ended(at, reader);
  }

  async *#readStaged({ spec, place }: CatalogEntry, partition: number): AsyncGenerator<readonly LogRecord[]> {
    const at = { name: this.#parts.catalog.named(place), partition };
    yield* spec.kind === 'events' ? this.#readEvents(at, 0) : this.#live(at, new Map());
  }

  async #write(
    { spec, place }: CatalogEntry,
    partition: number,
    { records, appenders }: { records: readonly LogRecord[]; appenders: Map<string, Appender> },
  ): Promise<void> {
    const { patience, settings, catalog } = this.#parts;
    const { wire, clock } = this.#setup;
    const topic = catalog.named(place);
    const appender =
      appenders.get(`${topic}/${partition}`) ??
      new Appender({ ...{ wire, clock, patience, topic, partition }, maxBatchBytes: settings.limits.maxBatchBytes });
    appenders.set(`${topic}/${partition}`, appender);
    const events = spec.kind === 'events';
    await appender.append(events ? records : records.map(({ key, value }) => ({ key: storedKey(key), value })));
  }

  async #toEnd(at: Place, take: (batch: WireBatch) => void): Promise<void> {
    const reader = this.#reader(at, 0);
    await reader.toEnd((batches) => {
      for (const batch of batches) take(batch);
    });
    this.#ended(at, reader);
  }

  #reader({ name: topic, partition }: Place, from: number): PartitionReader {
    const { patience, settings } = this.#parts;
    return new PartitionReader({
      ...{ wire: this.#setup.wire, patience, topic, partition, from, maxBytes: settings.fetchBytes },
      ended: () => false,
      // Trimmed records were consumed; a position behind the end belongs to a topic that was made anew.
      onGap: () => undefined,
    });
  }

  #ended({ name, partition }: Place, { position }: PartitionReader): void {
    this.#ends.set(`${name}/${partition}`, { name, partition, end: position });
  }
}

/** The records of a batch that are not the driver's. */
function ownRecords({ control, records }: WireBatch): Array<LogRecord & { readonly offset: number }> {
  if (control) return [];
  return records.flatMap(({ key: stored, value, offset }) => {
    const key = stored === null ? undefined : shardKey(stored);
    return key === undefined ? [] : { key, value, offset };
  });
}

function* chunksOf(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  for (let start = 0; start < records.length; start += chunkRecords) yield records.slice(start, start + chunkRecords);
}

function entryOf(staged: ReadonlyMap<TopicName, CatalogEntry>, topic: TopicName): CatalogEntry {
  const entry = staged.get(topic);
  if (entry === undefined) throw new WeirError('WEIR_LOG_TOPIC', { topic, why: 'does not exist' });
  return entry;
}

/**
 * The log on a Kafka cluster while no worker runs on it.
 *
 * A partition is read without a claim, which leaves it as it was: nobody runs, and what is read is checked for changes at
 * the end. Owns what shards had committed to publish, which is part of their tables. Staged topics are topics under other
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
import { chunksOf, OfflineReading, type Place } from './offline-reading.ts';
import { storedKey } from './own-records.ts';
import { Patience } from './patience.ts';
import { probeSpec } from './probe.ts';
import { nameOf } from './refusals.ts';
import { type GivenSettings, type KafkaLogSettings, settingsOf } from './settings.ts';
import type { ShardState } from './shard-state.ts';
import { type KafkaWire, kafkaError } from './wire.ts';

export interface KafkaOfflineSetup extends GivenSettings {
  readonly wire: KafkaWire;
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Groups that workers are in while they run, without the prefix. */
  readonly groups: readonly string[];
  /** Where the cluster is, for messages. */
  readonly cluster: string;
  /** Whether a prefix without a log is one to write into. Default: it is refused. */
  readonly create?: boolean;
}

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
  readonly #reading: OfflineReading;
  /** What the owners of shards had committed to publish, by table and partition; a shard's is known once it was read. */
  readonly #publications = new Map<string, Map<string, Uint8Array | null>>();
  readonly #published = new Set<string>();

  constructor(setup: KafkaOfflineSetup, parts: Parts) {
    this.#setup = setup;
    this.#parts = parts;
    const { patience, settings } = parts;
    this.limits = settings.limits;
    this.#reading = new OfflineReading({ wire: setup.wire, patience, maxBytes: settings.fetchBytes });
    this.place = `${settings.prefix}* on ${setup.cluster}`;
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
    yield* this.#reading.live(at, publications);
    const pending = Array.from(publications, ([key, value]) => ({ key, value }));
    yield* chunksOf(pending.filter(({ value }) => value !== null));
  }

  async *events(topic: TopicName, partition: number, from: number): AsyncGenerator<readonly LogRecord[]> {
    const { catalog } = this.#parts;
    catalog.expect(topic, 'events', partition);
    yield* this.#reading.events({ name: catalog.nameOf(topic), partition }, from);
  }

  async assertStill(): Promise<void> {
    const { patience, settings } = this.#parts;
    const { wire, admin } = this.#setup;
    const expected = this.#setup.groups.map((group) => this.#parts.catalog.named(group));
    const groups = await patience.until('reading groups', async () => ({
      done: await admin.groups(settings.prefix, expected),
    }));
    const running = new Set(groups.flatMap(({ members }) => members));
    if (running.size > 0) {
      const who = `${[...running].sort().join(', ')}`;
      throw new WeirError('WEIR_LOG_RUNNING', { place: this.place, who });
    }
    for (const { name, partition, end } of this.#reading.ends) {
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

  async adopt(incarnation: number, mending: () => Promise<Mend>): Promise<void> {
    const { catalog } = this.#parts;
    const found = await catalog.found();
    const entries = catalog.entries.map((entry) => {
      const { spec } = entry;
      const topic = found.get(spec.name);
      const name = catalog.nameOf(spec.name);
      if (topic === undefined) {
        throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: 'is missing: a log is adopted whole' });
      }
      const { partitions } = topic;
      if (partitions !== spec.partitions) {
        throw new WeirError('WEIR_LOG_PARTITIONS', { topic: name, found: partitions, expected: spec.partitions });
      }
      return { ...entry, id: topic.id };
    });
    // The registry comes last: until then the log is as strange as it was, and adopted anew from the start.
    const mend = await mending();
    const last: Array<() => Promise<void>> = [];
    for (const { spec } of entries) {
      if (spec.kind !== 'state' || spec.name === probeSpec.name) continue;
      for (let partition = 0; partition < spec.partitions; partition += 1) {
        const { writer, state } = await this.#takeOver(spec.name, partition, incarnation);
        const { first, later } = mend({ topic: spec.name, partition }, state.records());
        const write = async (records: readonly LogRecord[]): Promise<void> => {
          if (records.length > 0) await writer.write(records.map(({ key, value }) => ({ key: storedKey(key), value })));
        };
        await write(first);
        last.push(() => write(later));
      }
    }
    for (const write of last) await write();
    await catalog.replace(entries, incarnation);
  }

  async strangeness(): Promise<readonly string[]> {
    const { catalog } = this.#parts;
    const found = await catalog.found();
    return catalog.entries.flatMap(({ spec, id }) => {
      const topic = found.get(spec.name);
      const name = catalog.nameOf(spec.name);
      if (topic === undefined) return [`${name} is missing`];
      const losses = catalog
        .lossesOf(spec.name)
        .map(({ context: { partition } }) => `${name}/${partition} has lost commits`);
      const known = id === undefined || topic.id === undefined || id === topic.id;
      return known ? losses : [`${name} has another id`, ...losses];
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
    const state = await this.#reading.shardState(at);
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

  async *#readStaged({ spec, place }: CatalogEntry, partition: number): AsyncGenerator<readonly LogRecord[]> {
    const at = { name: this.#parts.catalog.named(place), partition };
    yield* spec.kind === 'events' ? this.#reading.events(at, 0) : this.#reading.live(at, new Map());
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
}

function entryOf(staged: ReadonlyMap<TopicName, CatalogEntry>, topic: TopicName): CatalogEntry {
  const entry = staged.get(topic);
  if (entry === undefined) throw new WeirError('WEIR_LOG_TOPIC', { topic, why: 'does not exist' });
  return entry;
}

/**
 * The topics of one log on a Kafka cluster: what they were created as, under which prefix, in which incarnation, and
 * whether they have lost anything since.
 *
 * Brokers know partitions and settings; what a topic is for (`state`, `events`, `table`) and the incarnation of the log
 * stand in a topic of their own, `<prefix>topics`, so that a worker that is set up differently is refused. A worker that
 * sees that a shard lacks what was acknowledged writes it there: nobody runs that shard before an operator has adopted it.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import type { ShardId, TopicName, TopicSpec } from '../port.ts';
import { checkTopic, expectTopic } from '../rules.ts';
import { PartitionReader } from './partition-reader.ts';
import type { Patience } from './patience.ts';
import { nameOf, passes } from './refusals.ts';
import {
  checkTopicSettings,
  checkTransactionTopic,
  newTopic,
  type TopicRules,
  transactionTopic,
} from './topic-settings.ts';
import { type KafkaWire, kafkaError, type NewTopic, type WireRecord, type WireTopic } from './wire.ts';

export interface CatalogSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly prefix: string;
  readonly rules: TopicRules;
  readonly fetchBytes: number;
}

export interface CatalogEntry {
  readonly spec: TopicSpec;
  /** Kafka's id of the topic, where the brokers tell it. */
  readonly id: string | undefined;
  /** Its name on the brokers without the prefix: its own, or another one after an import or another partitioning. */
  readonly place: string;
}

/** A shard lacks what was acknowledged. */
interface Loss extends ShardId {
  /** What shows it. */
  readonly why: string;
}

const incarnationKey = '!incarnation';
/** In front of topic and partition of a shard that has lost commits. */
const lossPrefix = '!lost/';
const registrySpec: TopicSpec = { name: 'topics', partitions: 1, kind: 'table' };

export class Catalog {
  readonly #setup: CatalogSetup;
  readonly #topics = new Map<TopicName, CatalogEntry>();
  /** By the key that it is registered under. */
  readonly #losses = new Map<string, Loss>();
  #incarnation: number | undefined;
  /** Of the registry: goes on where it has come to. */
  #registry: PartitionReader | undefined;
  #replaced: WeirError | undefined;
  #loading: Promise<void> | undefined;
  /** What is there has been read. */
  loaded = false;

  constructor(setup: CatalogSetup) {
    this.#setup = setup;
  }

  get incarnation(): number {
    return this.#incarnation ?? 1;
  }

  get specs(): TopicSpec[] {
    return [...this.#topics.values()].map(({ spec }) => ({ ...spec }));
  }

  /** Every topic that is registered, in the order in which they were. */
  get entries(): readonly CatalogEntry[] {
    return [...this.#topics.values()];
  }

  /** The name on the brokers. */
  nameOf(topic: TopicName): string {
    return this.named(this.#topics.get(topic)?.place ?? topic);
  }

  /** The name with the prefix, of whatever is no topic of the log. */
  named(name: string): string {
    return `${this.#setup.prefix}${name}`;
  }

  /** @throws WeirError `WEIR_LOG_TOPIC` */
  expect(name: TopicName, kind: TopicSpec['kind'], partition = 0): TopicSpec {
    return expectTopic(this.#topics, name, kind, partition).spec;
  }

  /** The name on the brokers of the topic that tells of the others. */
  get registryName(): string {
    return this.named(registrySpec.name);
  }

  /** Reads what is there, once. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  /**
   * Creates what is missing and checks what is there.
   * @throws WeirError `WEIR_LOG_TOPIC`, `WEIR_LOG_TOPIC_SETTINGS`, `WEIR_LOG_REFUSED`, and what `assertKnown` throws
   */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const { rules } = this.#setup;
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    await this.#createRegistry();
    await this.#load();
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    const before = await this.#onBrokers();
    const missing = specs.filter(({ name }) => !before.has(this.nameOf(name)));
    for (const { name } of missing) {
      if (this.#topics.has(name)) throw strange(name, unseen);
    }
    // Made by somebody else in this moment, or before and not known everywhere yet: whose settings it has is to be seen.
    const found = await this.#create(missing.map((spec) => newTopic(this.nameOf(spec.name), spec, rules)));
    const after = missing.length === 0 ? before : await this.#onBrokers(missing.map(({ name }) => this.nameOf(name)));
    for (const spec of specs) {
      const name = this.nameOf(spec.name);
      await this.#check(spec, after.get(name), !missing.includes(spec) || found.has(name));
    }
    await this.#register(specs, after);
  }

  /**
   * The epochs of claims are only as safe as the brokers' own topic that keeps them; it is there after a first claim.
   * @throws WeirError `WEIR_LOG_TOPIC_SETTINGS`
   */
  async checkTransactions(): Promise<void> {
    const { wire, patience, rules } = this.#setup;
    const config = await patience.until(`settings of ${transactionTopic}`, async () => ({
      done: await wire.topicConfig(transactionTopic),
    }));
    checkTransactionTopic(config, rules);
  }

  /** Creates topics that nobody knows of until `replace`. */
  async stage(topics: ReadonlyArray<Pick<CatalogEntry, 'spec' | 'place'>>): Promise<readonly CatalogEntry[]> {
    const { rules } = this.#setup;
    for (const { spec } of topics) checkTopic(spec, undefined);
    await this.#createRegistry();
    await this.#create(topics.map(({ spec, place }) => newTopic(this.named(place), spec, rules)));
    const found = await this.#onBrokers(topics.map(({ place }) => this.named(place)));
    return topics.map(({ spec, place }) => ({ spec, place, id: found.get(this.named(place))?.id }));
  }

  /** Registers these topics in the place of those of the same name, under another incarnation: all of it at once. */
  async replace(entries: readonly CatalogEntry[], incarnation: number): Promise<void> {
    const number = { key: incarnationKey, value: Buffer.from(String(incarnation)) };
    const accepted = [...this.#losses.keys()].map((key) => ({ key, value: null }));
    await this.#write([number, ...entries.map(entryRecord), ...accepted]);
    this.#losses.clear();
    this.#incarnation = incarnation;
    for (const entry of entries) this.#topics.set(entry.spec.name, entry);
  }

  /** The topics of the log as the brokers have them; undefined for one that is gone. */
  async found(): Promise<ReadonlyMap<TopicName, WireTopic | undefined>> {
    const onBrokers = await this.#onBrokers();
    return new Map(this.entries.map(({ spec }) => [spec.name, onBrokers.get(this.nameOf(spec.name))]));
  }

  /** What the brokers have set a topic to that exists; one that another worker created a moment ago they may not know yet. */
  settingsOf(topic: TopicName): Promise<Readonly<Record<string, string>>> {
    const { wire, patience } = this.#setup;
    const name = this.nameOf(topic);
    return patience.until(`settings of ${name}`, async () => {
      const settings = await wire.topicConfig(name);
      if (Object.keys(settings).length === 0) return { again: `${name} is not known to all brokers yet` };
      return { done: settings };
    });
  }

  /** What shards of the topic have lost, as errors that say so. */
  lossesOf(topic: TopicName): readonly WeirError[] {
    const found = [...this.#losses.values()].filter((loss) => loss.topic === topic);
    return found.map((loss) => new WeirError('WEIR_LOG_LOST', { ...loss }));
  }

  /** From now on no worker claims a shard of that topic. */
  async registerLoss({ topic, partition }: ShardId, why: string): Promise<void> {
    const loss: Loss = { topic, partition, why };
    const key = `${lossPrefix}${topic}/${partition}`;
    await this.#write([{ key, value: Buffer.from(JSON.stringify(loss)) }]);
    this.#losses.set(key, loss);
  }

  /**
   * The topic is still that of the log and has lost nothing, and the one on the brokers is the one that was registered,
   * as it was: not one that took its name, whose terms would begin anew.
   * @throws WeirError `WEIR_LOG_ADOPTION`, `WEIR_LOG_REPLACED`, `WEIR_LOG_PARTITIONS`, `WEIR_LOG_LOST`
   */
  async assertKnown(topic: TopicName): Promise<void> {
    const [place, incarnation] = [this.nameOf(topic), this.incarnation];
    await this.#load();
    if (this.nameOf(topic) !== place || this.incarnation !== incarnation) {
      this.#replaced = new WeirError('WEIR_LOG_REPLACED', { before: incarnation, now: this.incarnation });
    }
    if (this.#replaced !== undefined) throw this.#replaced;
    const found = (await this.#onBrokers()).get(place);
    if (found === undefined) throw strange(topic, unseen);
    this.#assertSame(topic, found);
    this.#assertWhole(topic, found);
  }

  #assertWhole(topic: TopicName, { partitions: found }: WireTopic): void {
    const expected = this.#topics.get(topic)?.spec.partitions;
    if (expected !== undefined && expected !== found) {
      throw new WeirError('WEIR_LOG_PARTITIONS', { topic: this.nameOf(topic), found, expected });
    }
    const [loss] = this.lossesOf(topic);
    if (loss !== undefined) throw loss;
  }

  #assertSame(topic: TopicName, found: WireTopic): void {
    const known = this.#topics.get(topic)?.id;
    if (known === undefined || found.id === undefined || known === found.id) return;
    throw strange(topic, 'it was restored, mirrored, or deleted and created anew');
  }

  #createRegistry(): Promise<ReadonlySet<string>> {
    return this.#create([newTopic(this.named(registrySpec.name), registrySpec, this.#setup.rules)]);
  }

  /** Creates topics unless they exist; gives the names of those that do. */
  async #create(topics: readonly NewTopic[]): Promise<ReadonlySet<string>> {
    const { wire, patience } = this.#setup;
    const found = new Set<string>();
    if (topics.length === 0) return found;
    await patience.until('creating topics', async () => {
      for (const { name, error, message } of await wire.createTopics(topics)) {
        if (error === kafkaError.topicExists) found.add(name);
        if (error === kafkaError.none || error === kafkaError.topicExists) continue;
        if (passes(error)) return { again: nameOf(error) };
        const why = message === undefined ? nameOf(error) : `${nameOf(error)}, ${message}`;
        throw new WeirError('WEIR_LOG_REFUSED', { what: `topic ${name}`, why });
      }
      return { done: undefined };
    });
    return found;
  }

  /** The topics that the brokers have; `expected` ones were created a moment ago and may not be known everywhere yet. */
  async #onBrokers(expected: readonly string[] = []): Promise<ReadonlyMap<string, WireTopic>> {
    const { wire, patience } = this.#setup;
    return patience.until('reading topics', async () => {
      const topics = new Map((await wire.topics()).map((topic) => [topic.name, topic]));
      const late = expected.find((name) => !topics.has(name));
      return late === undefined ? { done: topics } : { again: `${late} is not known to all brokers yet` };
    });
  }

  async #check(spec: TopicSpec, found: WireTopic | undefined, settings: boolean): Promise<void> {
    const { rules } = this.#setup;
    const refuse = (why: string): never => {
      throw new WeirError('WEIR_LOG_TOPIC', { topic: spec.name, why });
    };
    if (found === undefined) return refuse('does not exist');
    this.#assertSame(spec.name, found);
    this.#assertWhole(spec.name, found);
    // It was there before the log.
    if (found.partitions !== spec.partitions) refuse(`has ${found.partitions} partitions, not ${spec.partitions}`);
    if (!settings) return;
    const config = await this.settingsOf(spec.name);
    checkTopicSettings(found.name, spec.kind, { config, replication: found.replication }, rules);
  }

  async #register(specs: readonly TopicSpec[], found: ReadonlyMap<string, WireTopic>): Promise<void> {
    const records: WireRecord[] = [];
    if (this.#incarnation === undefined) {
      this.#incarnation = 1;
      records.push({ key: incarnationKey, value: Buffer.from('1') });
    }
    for (const { name, partitions, kind } of specs) {
      if (this.#topics.has(name)) continue;
      const entry = { spec: { name, partitions, kind }, id: found.get(this.nameOf(name))?.id, place: name };
      this.#topics.set(name, entry);
      records.push(entryRecord(entry));
    }
    await this.#write(records);
  }

  /** One batch: all of them count at once. */
  async #write(records: readonly WireRecord[]): Promise<void> {
    if (records.length === 0) return;
    const { wire, clock, patience } = this.#setup;
    const topic = this.named(registrySpec.name);
    // Two workers that start at once write the same: the newest of equal records counts.
    await patience.until(`registering topics in ${topic}`, async () => {
      const { error } = await wire.produce({ topic, partition: 0, records, timestampMs: clock.now() });
      if (error === kafkaError.none) return { done: undefined };
      if (passes(error) || error === kafkaError.invalidTimestamp) return { again: nameOf(error) };
      throw new WeirError('WEIR_LOG_REFUSED', { what: `a record of topic ${topic}`, why: nameOf(error) });
    });
  }

  /** Reads what was registered since the last time. */
  async #load(): Promise<void> {
    const { wire, patience, fetchBytes } = this.#setup;
    const topic = this.named(registrySpec.name);
    if (this.#registry === undefined && !(await this.#onBrokers()).has(topic)) return;
    this.#registry ??= new PartitionReader({
      ...{ wire, patience, topic, partition: 0, from: 0, maxBytes: fetchBytes },
      ended: () => false,
      onGap: () => undefined,
    });
    await this.#registry.toEnd((batches) => {
      for (const { control, records } of batches) if (!control) for (const record of records) this.#take(record);
    });
    this.loaded = true;
  }

  #take({ key, value }: WireRecord): void {
    if (key === null) return;
    if (value === null) {
      this.#losses.delete(key);
      return;
    }
    const text = Buffer.from(value).toString();
    if (key === incarnationKey) {
      this.#incarnation = Number(text);
      return;
    }
    if (key.startsWith(lossPrefix)) {
      // Written by `registerLoss` alone.
      this.#losses.set(key, JSON.parse(text) as Loss);
      return;
    }
    // Written by `entryRecord` alone.
    const {
      partitions,
      kind,
      id,
      place = key,
    } = JSON.parse(text) as {
      partitions: number;
      kind: TopicSpec['kind'];
      id?: string;
      place?: string;
    };
    this.#topics.set(key, { spec: { name: key, partitions, kind }, id, place });
  }
}

function entryRecord({ spec: { name, partitions, kind }, id, place }: CatalogEntry): WireRecord {
  const elsewhere = place === name ? {} : { place };
  return { key: name, value: Buffer.from(JSON.stringify({ partitions, kind, id, ...elsewhere })) };
}

/** Brokers tell nobody of a topic that a user has no right to see. */
export const unseen = 'it has been deleted, or this user may not see it';

function strange(topic: TopicName, why: string): WeirError {
  return new WeirError('WEIR_LOG_ADOPTION', { topic, why });
}

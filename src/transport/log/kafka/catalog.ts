/**
 * The topics of one log on a Kafka cluster: what they were created as, under which prefix, in which incarnation.
 *
 * Brokers know partitions and settings; what a topic is for (`state`, `events`, `table`) and the incarnation of the log
 * stand in a topic of their own, `<prefix>topics`, so that a worker that is set up differently is refused.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import type { TopicName, TopicSpec } from '../port.ts';
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

interface Entry {
  readonly spec: TopicSpec;
  /** Kafka's id of the topic, where the brokers tell it. */
  readonly id: string | undefined;
}

const incarnationKey = '!incarnation';
const registrySpec: TopicSpec = { name: 'topics', partitions: 1, kind: 'table' };

export class Catalog {
  readonly #setup: CatalogSetup;
  readonly #topics = new Map<TopicName, Entry>();
  #incarnation: number | undefined;
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

  /** The name on the brokers. */
  nameOf(topic: TopicName): string {
    return `${this.#setup.prefix}${topic}`;
  }

  /** @throws WeirError `WEIR_LOG_TOPIC` */
  expect(name: TopicName, kind: TopicSpec['kind'], partition = 0): TopicSpec {
    return expectTopic(this.#topics, name, kind, partition).spec;
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
   * @throws WeirError `WEIR_LOG_TOPIC`, `WEIR_LOG_TOPIC_SETTINGS`, `WEIR_LOG_REFUSED`
   */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const { rules } = this.#setup;
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    await this.#create([newTopic(this.nameOf(registrySpec.name), registrySpec, rules)]);
    await this.#load();
    for (const spec of specs) checkTopic(spec, this.#topics.get(spec.name)?.spec);
    const before = await this.#onBrokers();
    const missing = specs.filter(({ name }) => !before.has(this.nameOf(name)));
    for (const { name } of missing) {
      if (this.#topics.has(name)) throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: 'has been deleted' });
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
    const { wire, patience, rules } = this.#setup;
    const refuse = (why: string): never => {
      throw new WeirError('WEIR_LOG_TOPIC', { topic: spec.name, why });
    };
    if (found === undefined) return refuse('does not exist');
    if (found.partitions !== spec.partitions) refuse(`has ${found.partitions} partitions, not ${spec.partitions}`);
    const known = this.#topics.get(spec.name)?.id;
    if (known !== undefined && found.id !== undefined && known !== found.id) {
      refuse('was deleted and created anew: what flows wrote there is gone, and terms would go backwards');
    }
    if (!settings) return;
    const config = await patience.until(`settings of ${found.name}`, async () => ({
      done: await wire.topicConfig(found.name),
    }));
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
      const id = found.get(this.nameOf(name))?.id;
      this.#topics.set(name, { spec: { name, partitions, kind }, id });
      records.push({ key: name, value: Buffer.from(JSON.stringify({ partitions, kind, id })) });
    }
    if (records.length === 0) return;
    const { wire, clock, patience } = this.#setup;
    const topic = this.nameOf(registrySpec.name);
    // Two workers that start at once write the same: the newest of equal records counts.
    await patience.until(`registering topics in ${topic}`, async () => {
      const { error } = await wire.produce({ topic, partition: 0, records, timestampMs: clock.now() });
      if (error === kafkaError.none) return { done: undefined };
      if (passes(error) || error === kafkaError.invalidTimestamp) return { again: nameOf(error) };
      throw new WeirError('WEIR_LOG_REFUSED', { what: `a record of topic ${topic}`, why: nameOf(error) });
    });
  }

  async #load(): Promise<void> {
    const { wire, patience, fetchBytes } = this.#setup;
    const topic = this.nameOf(registrySpec.name);
    if (!(await this.#onBrokers()).has(topic)) return;
    const reader = new PartitionReader({
      ...{ wire, patience, topic, partition: 0, from: 0, maxBytes: fetchBytes },
      ended: () => false,
      onGap: () => undefined,
    });
    await reader.toEnd((batches) => {
      for (const { control, records } of batches) if (!control) for (const record of records) this.#take(record);
    });
    this.loaded = true;
  }

  #take({ key, value }: WireRecord): void {
    if (key === null || value === null) return;
    // Written by `#register` alone.
    const stored = JSON.parse(Buffer.from(value).toString()) as {
      partitions: number;
      kind: TopicSpec['kind'];
      id?: string;
    };
    if (key === incarnationKey) this.#incarnation = Number(stored);
    else
      this.#topics.set(key, { spec: { name: key, partitions: stored.partitions, kind: stored.kind }, id: stored.id });
  }
}

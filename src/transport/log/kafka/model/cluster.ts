/** What the brokers of the model hold together: topics, groups, transactional ids, and whether they can be reached. */
import type { Random } from '../../../../ports/index.ts';
import { kafkaError, type NewTopic, type WireTopic } from '../wire.ts';
import { Group } from './group.ts';
import { Partition } from './partition.ts';
import { type ModelSettings, topicConfigOf, topicSettingsOf } from './settings.ts';
import { TransactionalIds } from './transactional-ids.ts';

interface Topic {
  readonly name: string;
  readonly id: string;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: Partition[];
}

export class Cluster {
  readonly transactionalIds: TransactionalIds;
  readonly #settings: ModelSettings;
  readonly #topics = new Map<string, Topic>();
  readonly #groups = new Map<string, Group>();
  up = true;
  slowMs = 0;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
    this.transactionalIds = new TransactionalIds(settings);
  }

  partition(topic: string, partition: number): Partition | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  partitions(): Partition[] {
    return [...this.#topics.values()].flatMap(({ partitions }) => partitions);
  }

  group(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  groups(): ReadonlyMap<string, Group> {
    return this.#groups;
  }

  groupOrNew(name: string): Group {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const { observe } = this.#settings;
    const group = new Group(this.#settings, (generation, members) =>
      observe({ type: 'generation', group: name, generation, members }),
    );
    this.#groups.set(name, group);
    return group;
  }

  newMemberId(client: string): string {
    return `${client}-${uuid(this.#settings.random)}`;
  }

  topics(): WireTopic[] {
    return [...this.#topics.values()].map(({ name, id, replication, partitions }) => ({
      ...{ name, id, replication },
      partitions: partitions.length,
    }));
  }

  topicConfig(name: string): Readonly<Record<string, string>> {
    return this.#topics.get(name)?.config ?? {};
  }

  createTopic({ name, partitions, replication, config }: NewTopic): number {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') return kafkaError.invalidTopic;
    if (this.#topics.has(name)) return kafkaError.topicExists;
    if (partitions < 1) return kafkaError.invalidPartitions;
    if (replication < 1 || replication > this.#settings.brokers) return kafkaError.invalidReplicationFactor;
    const whole = topicConfigOf(config);
    if (whole === undefined) return kafkaError.invalidConfig;
    const topic = {
      ...{ name, replication },
      config: whole,
      id: Buffer.from(this.#settings.random.bytes(16)).toString('base64url'),
      partitions: [],
    };
    this.#topics.set(name, topic);
    this.#grow(topic, partitions);
    return kafkaError.none;
  }

  deleteTopic(name: string): NewTopic | undefined {
    const topic = this.#topics.get(name);
    if (topic === undefined) return undefined;
    this.#topics.delete(name);
    for (const partition of topic.partitions) partition.drop();
    return { name, partitions: topic.partitions.length, replication: topic.replication, config: topic.config };
  }

  addPartitions(name: string, count: number): void {
    const topic = this.#topics.get(name);
    if (topic !== undefined) this.#grow(topic, count);
  }

  #grow(topic: Topic, count: number): void {
    const settings = topicSettingsOf(topic.config);
    while (topic.partitions.length < count) {
      topic.partitions.push(new Partition(this.#settings.clock, this.#settings, settings));
    }
  }
}

function uuid(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex');
  return [0, 8, 12, 16, 20].map((from, at, all) => hex.slice(from, all[at + 1])).join('-');
}

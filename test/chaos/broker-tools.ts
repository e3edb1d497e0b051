/** What an operator does to brokers with Kafka's own tools, and sees of them. */
import { expect } from 'vitest';
import { kafkaWire } from '../../src/transport/log/kafka/wire/index.ts';
import { kafkaError } from '../../src/transport/log/kafka/wire.ts';
import type { KafkaRig } from '../rig/kafka.ts';

const topicCommand = 'org.apache.kafka.tools.TopicCommand';
const configCommand = 'kafka.admin.ConfigCommand';
const withinMs = 120_000;

export async function addPartitions({ brokers, tool }: KafkaRig, topic: string, count: number): Promise<void> {
  const flags = ['--bootstrap-server', brokers.join(), '--alter', '--topic', topic, '--partitions', String(count)];
  await tool(topicCommand, flags);
}

/** Sets a setting of one topic, while it is in use. */
export async function setOfTopic(rig: KafkaRig, topic: string, setting: string): Promise<void> {
  await alter(rig, ['--entity-type', 'topics', '--entity-name', topic], setting);
}

/** Sets a setting of all brokers, while they run. */
export async function setOfBrokers(rig: KafkaRig, setting: string): Promise<void> {
  await alter(rig, ['--entity-type', 'brokers', '--entity-default'], setting);
}

async function alter({ brokers, tool }: KafkaRig, entity: readonly string[], setting: string): Promise<void> {
  await tool(configCommand, ['--bootstrap-server', brokers.join(), '--alter', ...entity, '--add-config', setting]);
}

/** Gives out epochs of a transactional id until there are none left, and another producer id comes. */
export async function useUp({ brokers }: KafkaRig, transactionalId: string): Promise<void> {
  const wire = kafkaWire({ brokers });
  try {
    const first = await wire.initProducerId(transactionalId);
    for (let now = first; now.producerId === first.producerId; ) {
      const next = await wire.initProducerId(transactionalId);
      if (next.error === kafkaError.none) now = next;
    }
  } finally {
    await wire.close();
  }
}

/** The broker, numbered from 0, that leads most partitions of a topic. */
export async function leaderOf(rig: KafkaRig, topic: string): Promise<number> {
  const leaders = (await partitionsOf(rig, topic)).map(({ leader }) => leader);
  const [first = 0] = leaders.toSorted((a, b) => timesIn(leaders, b) - timesIn(leaders, a));
  return first;
}

/** Resolves when all brokers have what there is of a topic. */
export async function inSync(rig: KafkaRig, topic: string): Promise<void> {
  const least = async (): Promise<number> => Math.min(...(await partitionsOf(rig, topic)).map(({ synced }) => synced));
  await expect.poll(least, { timeout: withinMs, interval: 500 }).toBe(rig.brokers.length);
}

interface Partition {
  readonly leader: number;
  /** Replicas that have everything. */
  readonly synced: number;
}

async function partitionsOf({ brokers, tool }: KafkaRig, topic: string): Promise<Partition[]> {
  const told = await tool(topicCommand, ['--bootstrap-server', brokers.join(), '--describe', '--topic', topic]);
  const found = [...told.matchAll(/Partition: \d+\s+Leader: (\d+).*Isr: ([\d,]+)/g)];
  expect(found).not.toEqual([]);
  return found.map(([, leader = '', synced = '']) => ({
    leader: Number(leader) - 1,
    synced: synced.split(',').length,
  }));
}

function timesIn(all: readonly number[], one: number): number {
  return all.filter((other) => other === one).length;
}

/** Flows that are under way while the log of their node moves: to real brokers and back, and by a mirroring tool. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type StartedNode, silentLogger, startNode } from '../../../src/index.ts';
import type { KafkaConnection } from '../../../src/transport/log/index.ts';
import { kafkaWire } from '../../../src/transport/log/kafka/wire/index.ts';
import {
  adoptLog,
  exportLog,
  importLog,
  openOffline,
  readLogFile,
  reshardLog,
} from '../../../src/worker/offline/index.ts';
import { describeKafka } from '../../rig/describe-kafka.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';
import { booked, buy, gate, sell } from './deals.ts';
import { clock, memoryFile, pieces } from './support.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newData(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  closing.push(remove);
  return path;
}

interface Place {
  readonly data: string;
  readonly kafka: KafkaConnection | undefined;
}

async function nodeOn({ data, kafka }: Place, shards?: number): Promise<StartedNode> {
  const node = await startNode({
    members: { BUYER: { flows: [buy], actors: [gate] }, SELLER: { flows: [sell] } },
    data,
    ...(kafka === undefined ? {} : { kafka }),
    ...(shards === undefined ? {} : { shards }),
    logger: silentLogger,
  });
  closing.push(() => node.stop());
  return node;
}

/** The log of one place into another, as `weir log export` and `import` do it. */
async function carry(from: Place, to: Place): Promise<number> {
  const logger = silentLogger;
  const source = await openOffline({ configuration: from, clock, logger });
  const { sink, bytes } = memoryFile();
  await exportLog(source, sink, { clock, version: '0.1.0' });
  await source.close();
  const target = await openOffline({ configuration: to, clock, logger, create: true });
  const { incarnation } = await importLog(target, readLogFile('a file', pieces(bytes(), 65_536)), clock);
  await target.close();
  return incarnation;
}

const kept = [
  ...['cleanup.policy', 'min.insync.replicas', 'unclean.leader.election.enable', 'max.message.bytes', 'retention.ms'],
  ...['message.timestamp.type', 'message.timestamp.before.max.ms', 'min.compaction.lag.ms', 'retention.bytes'],
];

/** What a mirroring tool does: topics with the same settings, records without the producers that wrote them. */
async function mirror(brokers: readonly string[], from: string, to: string): Promise<void> {
  const wire = kafkaWire({ brokers });
  closing.push(() => wire.close());
  for (const { name, partitions } of await wire.topics()) {
    if (!name.startsWith(from)) continue;
    const topic = to + name.slice(from.length);
    const all = Object.entries(await wire.topicConfig(name)).filter(([setting]) => kept.includes(setting));
    await wire.createTopics([{ name: topic, partitions, replication: 1, config: Object.fromEntries(all) }]);
    for (let partition = 0; partition < partitions; partition += 1) {
      const { offset: end } = await wire.offset(name, partition, 'latest');
      for (let offset = (await wire.offset(name, partition, 'earliest')).offset; offset < end; ) {
        const { batches } = await wire.fetch({ topic: name, partition, offset, maxBytes: 1_048_576, maxWaitMs: 0 });
        const records = batches.flatMap((batch) => batch.records).filter((record) => record.offset >= offset);
        const copies = records.map(({ key, value }) => ({ key, value }));
        offset = (batches.at(-1)?.lastOffset ?? end) + 1;
        if (copies.length === 0) continue;
        // Leaders of new topics are elected within moments.
        for (let error = -1; error !== 0; wire.refresh()) {
          ({ error } = await wire.produce({ topic, partition, records: copies, timestampMs: clock.now() }));
        }
      }
    }
  }
}

const lots = 20;
const requestOf = (lot: number) => ({ clientRequestId: `lot-${lot}`, member: { name: 'BUYER', group: 'default' } });

describeKafka('a log that moves between drivers', {}, (kafka) => {
  beforeEach(() => booked.clear());

  it('WK20 WK16 flows go on where they were: begun on the embedded log, some finished on Kafka, the rest back on the embedded one', async () => {
    const first: Place = { data: await newData(), kafka: undefined };
    const brokers: KafkaConnection = {
      brokers: kafka().brokers,
      prefix: 'moved.',
      replication: 1,
      minInsyncReplicas: 1,
    };
    const second: Place = { data: await newData(), kafka: brokers };
    const third: Place = { data: await newData(), kafka: undefined };
    const all = Array.from({ length: lots }, (_, lot) => lot);

    const one = await nodeOn(first);
    for (const lot of all) {
      const input = { lot, gate: lot % 2 === 0 ? 'even' : 'odd' };
      await one.start('BUYER', buy, input, { clientRequestId: `lot-${lot}` });
    }
    const done = await one.start('BUYER', buy, { lot: 99, gate: 'early' }, { clientRequestId: 'early' });
    await one.ask('BUYER', gate, 'early', 'open', null);
    expect(await done.result()).toBe('lot 99');
    await one.stop();
    const onKafka = await carry(first, second);

    const two = await nodeOn(second);
    await two.ask('BUYER', gate, 'even', 'open', null);
    for (const lot of all.filter((number) => number % 2 === 0)) {
      expect(await two.settled(requestOf(lot))).toMatchObject({ status: 'COMPLETED', result: `lot ${lot}` });
    }
    // A client that asks once more gets the flow that it has, on whichever log.
    const again = await two.start('BUYER', buy, { lot: 1, gate: 'odd' }, { clientRequestId: 'lot-1' });
    expect(again.created).toBe(false);
    expect(await two.settled({ flowId: done.flowId })).toMatchObject({ status: 'COMPLETED', result: 'lot 99' });
    await two.stop();
    const back = await carry(second, third);
    expect(back).toBeGreaterThan(onKafka);

    const three = await nodeOn(third);
    await three.ask('BUYER', gate, 'odd', 'open', null);
    for (const lot of all) {
      expect(await three.settled(requestOf(lot))).toMatchObject({ status: 'COMPLETED', result: `lot ${lot}` });
    }
    const { flows } = await three.list({ limit: 1_000 });
    for (const { flowId } of flows) await three.settled({ flowId });
    const ended = (await three.list({ limit: 1_000 })).flows;
    expect(ended.filter(({ flow: name }) => name === 'buy')).toHaveLength(lots + 1);
    expect(ended.filter(({ flow: name }) => name === 'sell').length).toBeGreaterThanOrEqual(lots + 1);
    expect([...new Set(ended.map(({ status }) => status))]).toEqual(['COMPLETED']);
    // Each effect once, wherever it was.
    expect([...booked.values()]).toEqual(Array(lots + 1).fill(1));
  });

  it('WK20 a node on Kafka goes on with another number of shards', async () => {
    const brokers: KafkaConnection = {
      brokers: kafka().brokers,
      prefix: 'wide.',
      replication: 1,
      minInsyncReplicas: 1,
    };
    const place: Place = { data: await newData(), kafka: brokers };
    const one = await nodeOn(place, 2);
    for (let lot = 0; lot < lots; lot += 1) {
      await one.start('BUYER', buy, { lot, gate: 'wide' }, { clientRequestId: `lot-${lot}` });
    }
    await one.stop();
    const log = await openOffline({ configuration: place, clock, logger: silentLogger });
    const done = await reshardLog(log, 6, clock);
    await log.close();
    expect(done).toMatchObject({ before: 2, partitions: 6 });
    expect(done?.left).toContain('wide.flow.state');

    const two = await nodeOn(place);
    expect(two.status().shards).toHaveLength(6);
    await two.ask('BUYER', gate, 'wide', 'open', null);
    for (let lot = 0; lot < lots; lot += 1) {
      expect(await two.settled(requestOf(lot))).toMatchObject({ status: 'COMPLETED', result: `lot ${lot}` });
    }
    expect([...booked.values()]).toEqual(Array(lots).fill(1));
  });

  it('WK16 a mirror of a log is refused until an operator adopts it; then its flows go on', async () => {
    const brokers: KafkaConnection = {
      brokers: kafka().brokers,
      prefix: 'first.',
      replication: 1,
      minInsyncReplicas: 1,
    };
    const first: Place = { data: await newData(), kafka: brokers };
    const second: Place = { data: await newData(), kafka: { ...brokers, prefix: 'second.' } };
    const one = await nodeOn(first);
    const waiting = await one.start('BUYER', buy, { lot: 7, gate: 'mirrored' }, { clientRequestId: 'mirrored' });
    const early = await one.start('BUYER', buy, { lot: 8, gate: 'passed' }, { clientRequestId: 'passed' });
    await one.ask('BUYER', gate, 'passed', 'open', null);
    expect(await early.result()).toBe('lot 8');
    const terms = termsOf(one);
    await one.stop();
    await mirror(kafka().brokers, 'first.', 'second.');

    await expect(nodeOn(second)).rejects.toMatchObject({ code: 'WEIR_LOG_ADOPTION' });
    const found = await openOffline({ configuration: second, clock, logger: silentLogger });
    const { strange, incarnation } = await adoptLog(found, clock);
    await found.close();
    expect(strange).toContain('second.flow.state has another id');

    const two = await nodeOn(second);
    expect(termsOf(two).every((term) => Number(term.split('.')[0]) === incarnation)).toBe(true);
    expect(Math.max(...terms.map((term) => Number(term.split('.')[0])))).toBeLessThan(incarnation);
    await two.ask('BUYER', gate, 'mirrored', 'open', null);
    expect(await two.settled({ flowId: waiting.flowId })).toMatchObject({ status: 'COMPLETED', result: 'lot 7' });
    expect(await two.settled({ flowId: early.flowId })).toMatchObject({ status: 'COMPLETED', result: 'lot 8' });
    expect([...new Set(booked.values())]).toEqual([1]);
  });
});

/** The terms of a node's shards, as the live tree shows them. */
function termsOf(node: StartedNode): string[] {
  const services = node.tree().find(({ path }) => path === '/services')?.children ?? [];
  const shards = services.find(({ path }) => path === '/services/flow')?.children ?? [];
  return shards.map(({ facts }) => String(facts?.term));
}

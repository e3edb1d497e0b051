/**
 * Puts the state of a node into another number of partitions, in place: the new topics are written beside the old ones,
 * read back and compared, and then take their place at once, as a new incarnation of the log.
 *
 * Owns the order of it. Which record goes where is known to the services.
 */
import { type Relocated, ShardRelocation } from '../../actors/shard/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { LogRecord, LogStage, OfflineLog, TopicName, TopicSpec } from '../../transport/log/index.ts';
import { assertOwn, assertSame } from './copy.ts';
import { nextIncarnation } from './incarnation.ts';
import { type ShardTopics, shardTopics } from './shard-topics.ts';
import { Tally, type Totals } from './tally.ts';

export interface Resharded {
  readonly before: number;
  readonly partitions: number;
  readonly incarnation: number;
  /** What stands in the new topics. */
  readonly totals: Totals;
  /** Topics that were replaced and that the driver leaves where they are. */
  readonly left: readonly string[];
}

/**
 * Undefined when there is nothing to do: it has so many partitions already.
 * @throws WeirError `WEIR_LOG_RUNNING`, `WEIR_LOG_CHANGED`, `WEIR_LOG_ADOPTION`, `WEIR_LOG_COPY_DIFFERS`,
 *   `WEIR_RECORD_UNREADABLE` for a record that this version does not know where to put, `WEIR_LOG_NONE`
 */
export async function reshardLog(log: OfflineLog, partitions: number, clock: Clock): Promise<Resharded | undefined> {
  await assertOwn(log);
  const services = shardTopics.filter(({ state }) => log.topics.some(({ name }) => name === state));
  const [first] = services;
  const before = log.topics.find(({ name }) => name === first?.state)?.partitions;
  if (before === undefined) throw new WeirError('WEIR_LOG_NONE', { place: log.place });
  if (before === partitions) return undefined;
  // Whoever comes back from a long sleep must not find a shard that still takes what it writes.
  for (const { state } of services) await log.fence(state);
  const specs = log.topics
    .filter(({ name }) => services.some(({ state, events, tables }) => [state, events, ...tables].includes(name)))
    .map((spec) => ({ ...spec, partitions }));
  const incarnation = nextIncarnation(clock.now(), log.incarnation);
  const stage = await log.stage(specs, incarnation);
  try {
    const writer = new StageWriter(stage, specs);
    for (const service of services) await relocate(log, service, partitions, writer);
    await writer.flush();
    const totals = writer.tally.totals();
    await assertSame(log, stage, specs, totals);
    await log.assertStill();
    return { before, partitions, incarnation, totals, left: await stage.publish() };
  } catch (error) {
    await stage.discard();
    throw error;
  }
}

async function relocate(log: OfflineLog, topics: ShardTopics, partitions: number, writer: StageWriter): Promise<void> {
  const relocation = new ShardRelocation(partitions, topics.relocation(partitions));
  const count = (name: string): number => log.topics.find((spec) => spec.name === name)?.partitions ?? 0;
  for (let shard = 0; shard < count(topics.state); shard += 1) {
    for await (const chunk of log.records(topics.state, shard)) {
      for (const record of chunk) relocation.survey(shard, record);
    }
  }
  for (let shard = 0; shard < count(topics.state); shard += 1) {
    const streams: LogRecord[] = [];
    for await (const chunk of log.records(topics.state, shard)) {
      for (const record of chunk) await writer.put(topics.state, relocation.move(shard, record, streams));
    }
    for (const entry of relocation.entries(shard, streams)) await writer.put(topics.state, entry);
    for await (const chunk of log.events(topics.events, shard, relocation.position(shard))) {
      for (const record of chunk) await writer.put(topics.events, relocation.event(shard, record));
    }
  }
  for (const end of relocation.ends()) await writer.put(topics.state, end);
  for (const table of topics.tables) {
    for (let partition = 0; partition < count(table); partition += 1) {
      for await (const chunk of log.records(table, partition)) {
        for (const record of chunk) await writer.put(table, relocation.table(table, record));
      }
    }
  }
}

/** Bytes that are written at once. */
const partBytes = 1_048_576;
/** Bytes that wait to be written, over all partitions. */
const waitingBytes = 8 * 1_048_576;

/** Gathers records for each partition, so that they go in writes of a size. */
class StageWriter {
  readonly tally = new Tally();
  readonly #stage: LogStage;
  readonly #waiting = new Map<string, { topic: TopicName; partition: number; records: LogRecord[]; bytes: number }>();
  #bytes = 0;

  constructor(stage: LogStage, topics: readonly TopicSpec[]) {
    this.#stage = stage;
    for (const { name } of topics) this.tally.begin(name);
  }

  async put(topic: TopicName, relocated: Relocated | undefined): Promise<void> {
    if (relocated === undefined) return;
    const { partition, record } = relocated;
    const key = `${topic}/${partition}`;
    const waiting = this.#waiting.get(key) ?? { topic, partition, records: [], bytes: 0 };
    this.#waiting.set(key, waiting);
    waiting.records.push(record);
    const bytes = record.key.length + (record.value?.byteLength ?? 0);
    waiting.bytes += bytes;
    this.#bytes += bytes;
    this.tally.add(topic, [record]);
    if (waiting.bytes >= partBytes) await this.#write(key);
    if (this.#bytes >= waitingBytes) await this.flush();
  }

  async flush(): Promise<void> {
    for (const key of [...this.#waiting.keys()]) await this.#write(key);
  }

  async #write(key: string): Promise<void> {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (waiting === undefined) return;
    this.#bytes -= waiting.bytes;
    await this.#stage.write(waiting.topic, waiting.partition, waiting.records);
  }
}

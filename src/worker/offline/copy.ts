/**
 * Copies of whole logs: into a file, and from one into an empty log of either driver.
 *
 * Owns what a copy holds: every topic of the node but what its workers tell of themselves, and of the events of shards
 * only those that are not taken yet. A copy is a new incarnation of the log.
 */
import { inCopy, positionIn } from '../../actors/shard/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { LogStage, OfflineLog, TopicSpec } from '../../transport/log/index.ts';
import { clusterTopics } from '../cluster/index.ts';
import { nextIncarnation } from './incarnation.ts';
import { type LogFileHeader, type LogFilePart, LogFileWriter, type Sink } from './log-file/index.ts';
import { shardTopics } from './shard-topics.ts';
import { differenceOf, Tally, type Totals } from './tally.ts';

/** They tell of processes that are not there beside a copy. */
const ofProcesses: ReadonlySet<string> = new Set(Object.values(clusterTopics));

export interface Copied {
  readonly header: LogFileHeader;
  readonly totals: Totals;
}

/**
 * Writes the whole log as a file. Nothing is written to the log itself.
 * @throws WeirError `WEIR_LOG_RUNNING`, `WEIR_LOG_CHANGED` when somebody wrote to it meanwhile, `WEIR_LOG_ADOPTION`
 */
export async function exportLog(
  log: OfflineLog,
  sink: Sink,
  { clock, version }: { readonly clock: Clock; readonly version: string },
): Promise<Copied> {
  await assertOwn(log);
  const topics = log.topics.filter(({ name }) => !ofProcesses.has(name));
  const { driver, incarnation } = log;
  const about = { version, driver, incarnation, exportedAt: new Date(clock.now()).toISOString() };
  const writer = new LogFileWriter(sink);
  await writer.begin(about, topics);
  /** From where on the events of a partition are not taken yet. */
  const positions = new Map<string, number>();
  for (const { name, partitions, kind } of statesFirst(topics)) {
    const events = shardTopics.find(({ state }) => state === name)?.events;
    for (let partition = 0; partition < partitions; partition += 1) {
      const from = positions.get(`${name}/${partition}`) ?? 0;
      const chunks = kind === 'events' ? log.events(name, partition, from) : log.records(name, partition);
      for await (const chunk of chunks) {
        if (events === undefined) {
          await writer.records(name, partition, chunk);
          continue;
        }
        const position = chunk.map(positionIn).find((found) => found !== undefined);
        if (position !== undefined) positions.set(`${events}/${partition}`, position);
        await writer.records(
          name,
          partition,
          chunk.flatMap((record) => inCopy(record, incarnation) ?? []),
        );
      }
    }
  }
  await log.assertStill();
  return { header: { format: 1, ...about, topics: [...topics] }, totals: await writer.end() };
}

/**
 * Fills an empty log from the parts of a file; nobody sees any of it before everything has been read back and compared.
 * @throws WeirError `WEIR_LOG_NOT_EMPTY`, `WEIR_LOG_FILE_DAMAGED`, `WEIR_LOG_COPY_DIFFERS`
 */
export async function importLog(
  log: OfflineLog,
  parts: AsyncIterable<LogFilePart>,
  clock: Clock,
): Promise<Copied & { readonly incarnation: number }> {
  if (log.topics.length > 0) {
    throw new WeirError('WEIR_LOG_NOT_EMPTY', {
      place: log.place,
      topics: log.topics.map(({ name }) => name).join(', '),
    });
  }
  let stage: LogStage | undefined;
  let header: LogFileHeader | undefined;
  let incarnation = 0;
  try {
    for await (const part of parts) {
      if (part.type === 'header') {
        header = part.header;
        incarnation = nextIncarnation(clock.now(), header.incarnation, log.incarnation);
        stage = await log.stage(header.topics, incarnation);
      } else if (stage === undefined || header === undefined) throw new Error('a file begins with its header');
      else if (part.type === 'records') await stage.write(part.topic, part.partition, part.records);
      else {
        await assertSame(log, stage, header.topics, part.totals);
        await log.assertStill();
        await stage.publish();
        return { header, totals: part.totals, incarnation };
      }
    }
    throw new Error('a file ends with its totals');
  } catch (error) {
    await stage?.discard();
    throw error;
  }
}

/** @throws WeirError `WEIR_LOG_ADOPTION` */
export async function assertOwn(log: OfflineLog): Promise<void> {
  const [strange] = await log.strangeness();
  if (strange !== undefined) throw new WeirError('WEIR_LOG_ADOPTION', { topic: log.place, why: strange });
}

/**
 * What lies in the stage is what was to be written.
 * @throws WeirError `WEIR_LOG_COPY_DIFFERS`
 */
export async function assertSame(
  log: OfflineLog,
  stage: LogStage,
  topics: readonly TopicSpec[],
  expected: Totals,
): Promise<void> {
  const tally = new Tally();
  for (const { name, partitions } of topics) {
    tally.begin(name);
    for (let partition = 0; partition < partitions; partition += 1) {
      for await (const chunk of stage.read(name, partition)) tally.add(name, chunk);
    }
  }
  const why = differenceOf(expected, tally.totals());
  if (why !== undefined) throw new WeirError('WEIR_LOG_COPY_DIFFERS', { place: log.place, why });
}

/** Where events begin is known when the states have been read. */
function statesFirst(topics: readonly TopicSpec[]): TopicSpec[] {
  return [...topics].sort((a, b) => Number(b.kind === 'state') - Number(a.kind === 'state'));
}

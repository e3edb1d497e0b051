/**
 * Adopts a log that is not known to be the one that was run on: a mirror, a restored one, one with a topic that was made
 * anew, one that has lost commits. It becomes a new incarnation, so that no term is ever given twice (W1); its shards take
 * their events anew where offsets are other ones, and agree again on what they have sent each other.
 */
import { mendCopy, StreamEnds } from '../../actors/shard/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { LogRecord, OfflineLog } from '../../transport/log/index.ts';
import { nextIncarnation } from './incarnation.ts';
import { shardTopics } from './shard-topics.ts';

export interface Adopted {
  readonly incarnation: number;
  readonly before: number;
  /** What showed that it was another log; empty when nothing did. */
  readonly strange: readonly string[];
  /** Records that the shards of each topic have, where the driver has to read them. */
  readonly records: Readonly<Record<string, number>>;
}

/** @throws WeirError `WEIR_LOG_TOPIC` when a topic is missing or has another number of partitions */
export async function adoptLog(log: OfflineLog, clock: Clock): Promise<Adopted> {
  const strange = await log.strangeness();
  const before = log.incarnation;
  const incarnation = nextIncarnation(clock.now(), before);
  const records: Record<string, number> = {};
  await log.adopt(incarnation, async () => {
    const streams = await streamsOf(log);
    return ({ topic, partition }, found) => {
      records[topic] = (records[topic] ?? 0) + found.length;
      const ends = streams.get(topic);
      if (ends === undefined) return { first: [], later: [] };
      const { sent, taken } = ends.mend(partition, found);
      return { first: [...mendCopy(found, before), ...sent], later: taken };
    };
  });
  return { incarnation, before, strange, records };
}

/** By the topic of the shards. */
async function streamsOf(log: OfflineLog): Promise<ReadonlyMap<string, StreamEnds>> {
  const found = new Map<string, StreamEnds>();
  for (const { state, events } of shardTopics) {
    const ends = new StreamEnds();
    for (const { name, partitions } of log.topics) {
      if (name !== state && name !== events) continue;
      for (let shard = 0; shard < partitions; shard += 1) {
        const take = (record: LogRecord): void =>
          name === state ? ends.survey(shard, record) : ends.hear(shard, record);
        const chunks = name === state ? log.records(name, shard) : log.events(name, shard, 0);
        for await (const chunk of chunks) {
          for (const record of chunk) take(record);
        }
      }
    }
    found.set(state, ends);
  }
  return found;
}

/**
 * Adopts a log that is not known to be the one that was run on: a mirror, a restored one, one with a topic that was made
 * anew. It becomes a new incarnation, so that no term is ever given twice (W1), and its shards take their events anew
 * where offsets are other ones.
 */
import { mendCopy } from '../../actors/shard/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { OfflineLog } from '../../transport/log/index.ts';
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
  await log.adopt(incarnation, (topic, found) => {
    records[topic] = (records[topic] ?? 0) + found.length;
    return shardTopics.some(({ state }) => state === topic) ? mendCopy(found, before) : [];
  });
  return { incarnation, before, strange, records };
}

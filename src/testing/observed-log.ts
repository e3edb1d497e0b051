/** A log whose commits somebody watches: what is durable is known, whatever the worker believes. */
import type { CommitBatch, Log, ShardId } from '../transport/log/index.ts';

/** Called for each durable commit, before the worker hears of it. */
export type CommitListener = (shard: ShardId, batch: CommitBatch) => void;

export function observedLog(log: Log, onCommit: CommitListener): Log {
  return {
    driver: log.driver,
    limits: log.limits,
    ensureTopics: (specs) => log.ensureTopics(specs),
    topics: () => log.topics(),
    async claim(shard) {
      const claim = await log.claim(shard);
      return {
        ...claim,
        async commit(batch) {
          await claim.commit(batch);
          onCommit(shard, batch);
        },
      };
    },
    append: (topic, partition, records) => log.append(topic, partition, records),
    tail: (topic, partition, from, receive) => log.tail(topic, partition, from, receive),
    table: (topic) => log.table(topic),
    read: (topic, partition, options) => log.read(topic, partition, options),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    join: (group, partitions, listener) => log.join(group, partitions, listener),
    health: () => log.health(),
    onHealth: (listener) => log.onHealth(listener),
    close: () => log.close(),
  };
}

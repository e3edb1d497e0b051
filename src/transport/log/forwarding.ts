/**
 * A log, or a claim, that is another one but for what it does differently itself. All that the port has is passed on
 * here and nowhere else: whoever watches or disturbs a log says only what that changes.
 */
import type { Claim, Log } from './port.ts';

export function forwardingLog(log: Log, own: Partial<Log>): Log {
  return {
    driver: log.driver,
    limits: log.limits,
    ensureTopics: (specs) => log.ensureTopics(specs),
    topics: () => log.topics(),
    claim: (shard, preview) => log.claim(shard, preview),
    condemn: (shard, why) => log.condemn(shard, why),
    append: (topic, partition, records) => log.append(topic, partition, records),
    tail: (topic, partition, from, receive) => log.tail(topic, partition, from, receive),
    table: (topic) => log.table(topic),
    read: (topic, partition, options) => log.read(topic, partition, options),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    join: (group, partitions, listener, state) => log.join(group, partitions, listener, state),
    health: () => log.health(),
    onHealth: (listener) => log.onHealth(listener),
    close: () => log.close(),
    ...own,
  };
}

export function forwardingClaim(claim: Claim, own: Partial<Claim>): Claim {
  return {
    shard: claim.shard,
    term: claim.term,
    restore: () => claim.restore(),
    commit: (batch) => claim.commit(batch),
    onLost: (listener) => claim.onLost(listener),
    release: () => claim.release(),
    ...own,
  };
}

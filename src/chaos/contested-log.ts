/**
 * The log of a worker whose shards can be claimed by another owner, as when the group has given them away behind its
 * back. Owns which shards the worker holds, and that the group gives them back when the other owner has had them.
 */
import { messageOf } from '../errors/index.ts';
import type { Logger } from '../ports/index.ts';
import type { AssignmentListener, Claim, Log, ShardId } from '../transport/log/index.ts';
import type { FaultInjector } from './injector.ts';
import type { Shard } from './target.ts';

interface Group {
  readonly name: string;
  readonly listener: AssignmentListener;
  readonly assigned: Set<number>;
}

export function contestedLog(log: Log, injector: FaultInjector, logger: Logger): Log {
  const held = new Map<string, ShardId>();
  const groups = new Set<Group>();
  injector.attach({ takeOver });

  function takeOver(wanted: Shard | undefined): (() => void) | undefined {
    const shards = [...held.values()].filter(
      ({ topic, partition }) =>
        wanted === undefined || (partition === wanted.partition && (wanted.topic ?? topic) === topic),
    );
    if (shards.length === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const shard of shards) {
      contest(shard, promise).catch((error: unknown) => {
        logger.warn({ ...shard, error: messageOf(error) }, 'the shard could not be claimed by another owner (chaos)');
      });
    }
    return resolve;
  }

  async function contest(shard: ShardId, over: Promise<void>): Promise<void> {
    const claim = await log.claim(shard);
    await over;
    await claim.release();
    // Only the group says who is to run a shard; a worker that was fenced does not claim again by itself.
    for (const { name, listener, assigned } of groups) {
      if (shard.topic.startsWith(`${name}.`) && assigned.has(shard.partition)) listener.assigned([shard.partition]);
    }
  }

  async function claim(shard: ShardId): Promise<Claim> {
    const inner = await log.claim(shard);
    const key = `${shard.topic}/${shard.partition}`;
    const own = { ...shard };
    const forget = (): void => {
      if (held.get(key) === own) held.delete(key);
    };
    held.set(key, own);
    inner.onLost(forget);
    return {
      shard: inner.shard,
      term: inner.term,
      restore: () => inner.restore(),
      commit: (batch) => inner.commit(batch),
      onLost: (listener) => inner.onLost(listener),
      release: () => {
        forget();
        return inner.release();
      },
    };
  }

  return {
    driver: log.driver,
    limits: log.limits,
    claim,
    async join(name, partitions, listener) {
      const assigned = new Set<number>();
      const group: Group = { name, listener, assigned };
      groups.add(group);
      const membership = await log.join(name, partitions, {
        assigned(given) {
          for (const partition of given) assigned.add(partition);
          listener.assigned(given);
        },
        revoked(taken) {
          for (const partition of taken) assigned.delete(partition);
          return listener.revoked(taken);
        },
      });
      return {
        lost: (partition) => membership.lost(partition),
        leave() {
          groups.delete(group);
          return membership.leave();
        },
      };
    },
    ensureTopics: (specs) => log.ensureTopics(specs),
    topics: () => log.topics(),
    append: (topic, partition, records) => log.append(topic, partition, records),
    tail: (topic, partition, from, receive) => log.tail(topic, partition, from, receive),
    table: (topic) => log.table(topic),
    trim: (topic, partition, before) => log.trim(topic, partition, before),
    health: () => log.health(),
    onHealth: (listener) => log.onHealth(listener),
    close: () => log.close(),
  };
}

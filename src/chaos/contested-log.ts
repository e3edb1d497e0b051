/**
 * The log of a worker whose shards can be claimed by another owner, as when the group has given them away behind its
 * back. Owns which shards the worker holds, and that it hears no more of one that another owner has until it is over.
 */
import { messageOf } from '../errors/index.ts';
import type { Logger } from '../ports/index.ts';
import {
  type Claim,
  forwardingClaim,
  forwardingLog,
  type Log,
  type ShardId,
  type StatePreview,
} from '../transport/log/index.ts';
import type { FaultInjector } from './injector.ts';
import type { Shard } from './target.ts';

export function contestedLog(log: Log, injector: FaultInjector, logger: Logger): Log {
  const held = new Map<string, ShardId>();
  /** Shards that another owner has, and when it gives them back. */
  const contested = new Map<string, Promise<void>>();
  injector.attach({ takeOver });

  function takeOver(wanted: Shard | undefined): (() => void) | undefined {
    const shards = [...held.values()].filter(
      ({ topic, partition }) =>
        wanted === undefined || (partition === wanted.partition && (wanted.topic ?? topic) === topic),
    );
    if (shards.length === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const shard of shards) {
      const over = contest(shard, promise).catch((error: unknown) => {
        logger.warn({ ...shard, error: messageOf(error) }, 'the shard could not be claimed by another owner (chaos)');
      });
      contested.set(keyOf(shard), over);
      void over.then(() => contested.delete(keyOf(shard)));
    }
    return resolve;
  }

  async function contest(shard: ShardId, over: Promise<void>): Promise<void> {
    const claim = await log.claim(shard);
    await over;
    await claim.release();
  }

  async function claim(shard: ShardId, preview?: StatePreview): Promise<Claim> {
    const inner = await log.claim(shard, preview);
    const key = keyOf(shard);
    const own = { ...shard };
    const forget = (): void => {
      if (held.get(key) === own) held.delete(key);
    };
    held.set(key, own);
    inner.onLost(forget);
    return forwardingClaim(inner, {
      release: () => {
        forget();
        return inner.release();
      },
    });
  }

  return forwardingLog(log, {
    claim,
    async join(name, partitions, listener, state) {
      const membership = await log.join(name, partitions, listener, state);
      return {
        lost(partition) {
          const over = [...contested].find(([key]) => key.startsWith(`${name}.`) && key.endsWith(`/${partition}`))?.[1];
          // The group gives the shard to the other owner for as long as that has it.
          if (over === undefined) membership.lost(partition);
          else void over.then(() => membership.lost(partition));
        },
        leave: () => membership.leave(),
      };
    },
  });
}

function keyOf({ topic, partition }: ShardId): string {
  return `${topic}/${partition}`;
}

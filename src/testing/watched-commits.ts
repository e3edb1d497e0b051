/** A log whose commits somebody watches: what is durable is known, whatever the worker believes. */
import { type CommitBatch, forwardingClaim, forwardingLog, type Log, type ShardId } from '../transport/log/index.ts';

/** Called for each durable commit, before the worker hears of it. */
export type CommitListener = (shard: ShardId, batch: CommitBatch) => void;

export function watchedCommits(log: Log, onCommit: CommitListener): Log {
  return forwardingLog(log, {
    async claim(shard, preview) {
      const claim = await log.claim(shard, preview);
      return forwardingClaim(claim, {
        async commit(batch) {
          await claim.commit(batch);
          onCommit(shard, batch);
        },
      });
    },
  });
}

/** A log whose claims and commits are timed. Owns only the measuring. */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Meter } from '../../ports/index.ts';
import { forwardingClaim, forwardingLog } from './forwarding.ts';
import type { Claim, CommitBatch, Log, ShardId, StatePreview } from './port.ts';

export function meteredLog(log: Log, meter: Meter, clock: Clock): Log {
  async function claim(shard: ShardId, preview?: StatePreview): Promise<Claim> {
    const began = clock.monotonic();
    const inner = await log.claim(shard, preview);
    meter.time('claim', clock.monotonic() - began);
    let fenced = false;
    const lost = (): void => {
      if (!fenced) meter.count('fenced');
      fenced = true;
    };
    inner.onLost(lost);

    async function commit(batch: CommitBatch): Promise<void> {
      const from = clock.monotonic();
      try {
        await inner.commit(batch);
      } catch (error) {
        if (WeirError.is(error, 'WEIR_LOG_FENCED')) lost();
        throw error;
      }
      meter.time('commit', clock.monotonic() - from);
    }

    return forwardingClaim(inner, { commit });
  }

  return forwardingLog(log, { claim });
}

/**
 * Whose turn it is to claim a shard on this worker. The newest call goes on; an older one that is still on its way goes no
 * further, and neither does one that takes too long: whoever waited for it has gone, and it must not take the shard from
 * others.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock, Timer } from '../../../ports/index.ts';
import type { ShardId } from '../port.ts';

export interface ClaimTurn {
  /** Why the claim is to go no further. */
  readonly ended: () => Error | undefined;
  /** The claim is through, or given up. */
  readonly end: () => void;
}

export class ClaimTurns {
  readonly #clock: Clock;
  readonly #withinMs: number;
  readonly #newest = new Map<string, symbol>();

  constructor(clock: Clock, withinMs: number) {
    this.#clock = clock;
    this.#withinMs = withinMs;
  }

  begin(shard: ShardId): ClaimTurn {
    const key = `${shard.topic}/${shard.partition}`;
    const self = Symbol(key);
    let late = false;
    let done = false;
    const deadline: Timer = this.#clock.after(this.#withinMs, () => {
      late = true;
    });
    this.#newest.set(key, self);
    return {
      ended: () => {
        if (done) return undefined;
        if (this.#newest.get(key) !== self) {
          return new WeirError('WEIR_LOG_FENCED', { ...shard, term: 'one that was being claimed' });
        }
        if (!late) return undefined;
        return new WeirError('WEIR_DEADLINE', { what: `the claim of ${key}`, withinMs: this.#withinMs });
      },
      end: () => {
        done = true;
        deadline.cancel();
        if (this.#newest.get(key) === self) this.#newest.delete(key);
      },
    };
  }
}

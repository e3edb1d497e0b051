/**
 * Hand-overs that break: a shard moves in good order, and once its next owner has read it ahead the group takes it from its
 * owner without a word. That one goes on committing until it is fenced, behind what was read.
 */
import type { Watcher } from './audience.ts';
import type { SimEvent } from './events.ts';
import { nameOf, type WorldFault } from './plan.ts';

type Move = Extract<WorldFault, { type: 'move' }>;

export interface BrokenHandOversSetup {
  readonly later: (ms: number, run: () => void) => void;
  /** Gives the shard to its next owner, without a word to the one before. */
  readonly take: (move: Move) => void;
}

export class BrokenHandOvers implements Watcher {
  readonly name = 'broken hand-overs';
  readonly hears: readonly SimEvent['type'][] = ['ahead'];
  readonly #setup: BrokenHandOversSetup;
  readonly #begun = new Set<Move>();

  constructor(setup: BrokenHandOversSetup) {
    this.#setup = setup;
  }

  /** A move that breaks has begun. */
  begin(move: Move): void {
    this.#begun.add(move);
  }

  event(event: SimEvent): void {
    if (event.type !== 'ahead') return;
    for (const move of this.#begun) {
      const { node, worker, partition, breaksAfterMs = 0 } = move;
      if (event.node !== node || event.worker !== nameOf(worker) || event.shard.partition !== partition) continue;
      this.#begun.delete(move);
      this.#setup.later(breaksAfterMs, () => this.#setup.take(move));
    }
  }
}

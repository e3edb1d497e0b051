/** What all cells of one system share. */
import type { Clock, Logger, LoopProbe } from '../../ports/index.ts';
import type { Asks } from './asks.ts';
import type { DeadLetters, Totals } from './dead-letters.ts';
import type { Events } from './events.ts';
import type { Governor, Turnable } from './governor.ts';
import type { NameTree } from './name-tree.ts';

export interface Kernel {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly governor: Governor;
  readonly tree: NameTree<Turnable>;
  readonly letters: DeadLetters;
  readonly totals: Totals;
  readonly asks: Asks;
  readonly events: Events;
  readonly probe: LoopProbe | undefined;
  nextUid(): number;
}

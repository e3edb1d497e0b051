/** A scenario: what a simulated world is made of, what its clients do, and what must hold beyond Weir's own promises. */
import type { Random } from '../../ports/index.ts';
import type { NodeSettings } from '../../worker/index.ts';
import type { Plan, PlannedNode } from './plan.ts';
import type { Invariant, World } from './world.ts';

export interface Scenario<Action = never> {
  readonly name: string;
  /** Raised when `plan` draws something else from the same seed: seeds of an older version are refused. */
  readonly version: number;
  /** What it is for, in a sentence. */
  readonly about: string;
  /** Draws a plan; everything in it is plain data, so that parts can be taken away and the rest printed. */
  plan(random: Random): Plan<Action>;
  /**
   * Makes one run: called anew for each, so whatever its flows and invariants remember lives in the closure.
   * @throws WeirError `WEIR_SIMULATION_SCENARIO` when the plan cannot run
   */
  prepare(plan: Plan<Action>): PreparedRun<Action>;
}

export interface PreparedRun<Action> {
  /** Settings of a node; asked at each start of one of its workers. `shards` comes from the plan. */
  settings(node: PlannedNode, world: World): NodeSettings;
  /** Does one thing of the plan; a promise is waited for before the run may end. */
  perform(action: Action, world: World): void | Promise<void>;
  /** Beyond Weir's own, which are always checked. */
  readonly invariants?: readonly Invariant[];
  /** Virtual time within which everything must have finished once faults have stopped. Default 1 day. */
  readonly settleMs?: number;
  /** Ended flows that are expected STUCK, by flow id or name: they do not count as unfinished. Default none. */
  mayBeStuck?(flow: string): boolean;
  /** One sentence for each action, for the trace. */
  describe(action: Action): string;
}

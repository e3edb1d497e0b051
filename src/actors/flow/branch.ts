/**
 * One branch of a running stage: a generator, what it waits on, and the branches that it has begun. The stage's own code
 * is the root. Branches are nested: none outlives the one that began it.
 */
import type { Op, Operation, StageRequest } from './operation.ts';
import type { WaitingOn } from './protocol.ts';

/** How a branch ended. */
export type BranchOutcome =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'throw'; readonly error: unknown }
  | { readonly type: 'cancelled' };

/** What a generator is resumed with; `return` runs its `finally` blocks and nothing else. */
export type BranchResume =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'throw'; readonly error: unknown }
  | { readonly type: 'return' };

/** An operation that a branch waits on. */
export interface Parked {
  readonly op: Op;
  /** Its place in the journal. */
  readonly index: number;
  readonly branch: Branch;
  /** What it waits for, once it has been performed and could not be settled. */
  wait: WaitingOn | undefined;
}

/** Branches that their parent waits for. */
export interface Join {
  readonly mode: 'all' | 'race';
  /** Those that have not begun yet, and the place of the first of them. */
  readonly queue: Array<Operation<unknown>>;
  next: number;
  readonly running: Map<Branch, number>;
  readonly results: unknown[];
  /** The first failure; of a race the first end of any kind, and a failure of a loser's cleanup over that. */
  decided: { readonly place: number; readonly outcome: BranchOutcome } | undefined;
}

const none: ReadonlySet<Branch> = new Set();

/** Most code begins no branches, and every visit of a stage has a root: what a branch seldom has is made when it has it. */
export class Branch {
  readonly generator: Generator<StageRequest, unknown, unknown>;
  readonly parent: Branch | undefined;
  parked: Parked | undefined;
  join: Join | undefined;
  /** Those that wait for this one to end; for a task. */
  readonly waiters: Array<{ readonly branch: Branch; readonly kind: 'join' | 'cancel' }> = [];
  /** The task that it waits for. */
  waitsFor: Branch | undefined;
  /** Its cleanup is under way, or has been asked for. */
  cancelled = false;
  /** Its cleanup begins as soon as its children have ended. */
  returning = false;
  /** Its own end, while its children are still ending. */
  ending: BranchOutcome | undefined;
  outcome: BranchOutcome | undefined;
  /** A task that nobody has joined. */
  unjoined = false;
  #children: Set<Branch> | undefined;
  #unheard: Set<Branch> | undefined;

  constructor(generator: Generator<StageRequest, unknown, unknown>, parent: Branch | undefined) {
    this.generator = generator;
    this.parent = parent;
    if (parent === undefined) return;
    parent.#children ??= new Set();
    parent.#children.add(this);
  }

  /** Branches begun by this one that have not ended, in the order in which they began. */
  get children(): ReadonlySet<Branch> {
    return this.#children ?? none;
  }

  /** Tasks that it began, that failed, and that nobody has joined. */
  get unheard(): ReadonlySet<Branch> {
    return this.#unheard ?? none;
  }

  /** A child has ended; `unheard`: it has failed, and nobody was told. */
  lose(child: Branch, unheard: boolean): void {
    this.#children?.delete(child);
    if (!unheard) return;
    this.#unheard ??= new Set();
    this.#unheard.add(child);
  }

  /** Somebody joins a task. */
  hear(child: Branch): void {
    this.#unheard?.delete(child);
  }
}

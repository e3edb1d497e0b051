/**
 * Looks on while the engine runs a flow: each stage is the flow's own generator, and what it yields and is given passes
 * by here. Owns nothing of what a flow means; it only sees, and lets the script stand in for the bodies of steps.
 */
import { types } from 'node:util';
import { z } from 'zod';
import {
  type AnyFlow,
  BranchRequest,
  type FlowContext,
  type FlowDefinition,
  isBecome,
  type Op,
  type Operation,
  OperationRequest,
  type StageRequest,
  type StepBody,
  standsFor,
} from '../../actors/flow/index.ts';
import { History, type SeenOp, type SeenVisit } from './history.ts';
import type { Script } from './script.ts';

type StageCode = AnyFlow['stages'][string];
type StageRun = ReturnType<StageCode>;

/** Code that is looked at: which visit it is of, and how operations are numbered there, whatever branch makes them. */
interface Watched {
  readonly visit: SeenVisit;
  readonly places: { next: number };
  /** The stage's own code, not a branch of it. */
  readonly root: boolean;
}

export interface ObserverSetup {
  readonly script: Script;
  /** The test is over at the first `become`: the flow waits there. */
  readonly hold: boolean;
  /** What to run in place of a step's body. */
  readonly body: (seen: SeenOp, name: string, body: StepBody<unknown>) => StepBody<unknown>;
  /** What the worker was killed at last. */
  readonly killedAt: () => string | undefined;
  /** An operation is seen for the first time. */
  readonly onNew: (seen: SeenOp, op: Op) => void;
}

/** A replay that did something else than the run before it. */
export interface Divergence {
  readonly before: SeenOp;
  readonly after: SeenOp;
}

/** What starts a flow that is given a later stage. */
export const elsewhere = 'weir.testing: begin in the given stage';

export class Observer {
  readonly history = new History();
  divergence: Divergence | undefined;
  /** The operation that the flow waits on. */
  pending: SeenOp | undefined;
  /** Its code has come to the end of the last stage. */
  over = false;
  /** It has reached the stage in which a test for `becomes` ends. */
  held = false;
  readonly #setup: ObserverSetup;
  #visit = -1;
  #left = true;
  #heldIn: number | undefined;

  constructor(setup: ObserverSetup) {
    this.#setup = setup;
  }

  /** The flow as it is to run. */
  definition(): FlowDefinition<unknown, unknown> {
    const { stage, begin } = this.#setup.script;
    // The types of this flow say nothing of what it is turned into.
    const { types: _types, ...flow } = this.#setup.script.flow;
    const stages = Object.entries(flow.stages).map(([name, code]): [string, StageCode] => [
      name,
      (state, context) => this.#begin(name, code, state, context),
    ]);
    const start =
      stage === undefined || begin?.type === 'opened'
        ? flow.states.start
        : z.union([z.literal(elsewhere), flow.states.start]);
    const states = { ...flow.states, start };
    // The flow of a test begins with this version.
    return { ...flow, previous: [], migrate: undefined, states, stages: Object.fromEntries(stages) };
  }

  /** The worker has died; the flow goes on from the visit that was durable, if any was. */
  restarted(visit: number | undefined): void {
    this.#visit = visit ?? -1;
    this.#left = visit === undefined;
    this.pending = undefined;
    this.over = false;
    // A flow that sleeps in the stage that it was held in is not run again before it wakes.
    this.held = this.held && visit === this.#heldIn;
  }

  #begin(name: string, code: StageCode, state: unknown, context: FlowContext): StageRun {
    const { script, hold } = this.#setup;
    // A stage begins anew after `become`; whatever else makes a generator runs the same visit again.
    if (this.#left) this.#visit += 1;
    this.#left = false;
    if (script.stage !== undefined && this.#visit === 0) return this.#elsewhere(script.stage, context);
    const seen = this.#visited(name, state);
    const first = script.stage === undefined ? 0 : 1;
    if (hold && this.#visit > first) {
      this.#heldIn = this.#visit;
      return this.#holdHere(context);
    }
    const run = code(state, context);
    // The engine says what is wrong with a stage that is no generator.
    return types.isGeneratorObject(run) ? this.#watch(run, { visit: seen, places: { next: 0 }, root: true }) : run;
  }

  *#elsewhere({ name, state }: NonNullable<Script['stage']>, { become }: FlowContext): StageRun {
    this.#left = true;
    yield* [];
    return become(name, state);
  }

  *#holdHere({ sleep }: FlowContext): Operation<void> {
    this.held = true;
    yield* sleep('36500 days');
  }

  #visited(stage: string, state: unknown): SeenVisit {
    const known = this.history.visits.find(({ number }) => number === this.#visit);
    if (known !== undefined) return known;
    const visit = { number: this.#visit, stage, state, ops: [] };
    this.history.visits.push(visit);
    return visit;
  }

  /** Runs code of the flow and lets its operations pass by; a branch as well as the stage itself. */
  *#watch(run: StageRun, seen: Watched): StageRun {
    const state = { over: false };
    try {
      return yield* this.#follow(run, () => run.next(), seen, state);
    } finally {
      // Cancelled: its cleanup is watched as well.
      if (!state.over) yield* this.#follow(run, () => run.return(undefined), seen, state);
    }
  }

  *#follow(
    run: StageRun,
    first: () => IteratorResult<StageRequest, unknown>,
    seen: Watched,
    state: { over: boolean },
  ): StageRun {
    for (let next = first; ; ) {
      const result = this.#advance(next, seen, state);
      if (result.done === true) return result.value;
      const request: unknown = result.value;
      const given = request instanceof BranchRequest ? this.#branches(request, seen) : request;
      if (!(request instanceof OperationRequest)) {
        // Branches, or no operation at all: the engine has the words for it.
        try {
          const value: unknown = yield given as StageRequest;
          next = () => run.next(value);
        } catch (error) {
          next = () => run.throw(error);
        }
        continue;
      }
      const { op } = request;
      const place = this.#yielded(op, seen);
      const scripted = op.op === 'step' ? { ...op, body: this.#setup.body(place, op.label, op.body) } : op;
      try {
        const value: unknown = yield new OperationRequest(scripted);
        this.pending = undefined;
        this.history.succeeded(place, op, value);
        next = () => run.next(value);
      } catch (error) {
        this.pending = undefined;
        this.history.failed(place, error);
        next = () => run.throw(error);
      }
    }
  }

  #branches({ op }: BranchRequest, { visit, places }: Watched): BranchRequest {
    const watched = (branch: Operation<unknown>): Operation<unknown> => {
      const wrapper = this.#watch(branch, { visit, places, root: false });
      standsFor(wrapper, branch);
      return wrapper;
    };
    if (op.kind === 'spawn') return new BranchRequest({ ...op, branch: watched(op.branch) });
    if (op.kind === 'all' || op.kind === 'race')
      return new BranchRequest({ ...op, branches: op.branches.map((branch) => watched(branch)) });
    return new BranchRequest(op);
  }

  #advance(
    next: () => IteratorResult<StageRequest, unknown>,
    { root }: Watched,
    state: { over: boolean },
  ): IteratorResult<StageRequest, unknown> {
    try {
      const result = next();
      if (result.done === true) {
        state.over = true;
        if (root) this.#returned(result.value);
      }
      return result;
    } catch (thrown) {
      state.over = true;
      if (root) this.over = true;
      throw thrown;
    }
  }

  #returned(value: unknown): void {
    this.#left = isBecome(value);
    this.over = !this.#left;
  }

  #yielded(op: Op, { visit, places }: Watched): SeenOp {
    const index = places.next++;
    const seen = this.history.seen(op, `${visit.number}.${index}`, this.#setup.killedAt());
    const before = visit.ops[index];
    if (before === undefined) {
      visit.ops[index] = seen;
      this.#setup.onNew(seen, op);
    } else if (before.identity !== seen.identity) {
      this.divergence ??= { before, after: seen };
    }
    this.pending = before ?? seen;
    return this.pending;
  }
}

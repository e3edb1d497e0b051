/** The messages that act on one child of a running supervisor, and their answers: each gets exactly one. */
import type { Ref } from '../actors/kernel/index.ts';
import { namesHint, WeirError } from '../errors/index.ts';
import type { RestartBudget } from './budget.ts';
import { checkChild } from './check-spec.ts';
import { type Child, isOver, type StartRequest } from './child.ts';
import { dependentsOf } from './domino.ts';
import type { ChildAnswer, ChildRequest } from './messages.ts';
import type { Roster } from './roster.ts';
import type { ChildSpec, SupervisorSpec } from './spec.ts';
import type { ChildStatus } from './status.ts';

export interface RequestsSetup {
  readonly spec: SupervisorSpec;
  readonly roster: Roster;
  readonly path: string;
  /** Has the child start as soon as it can. */
  readonly wait: (child: Child) => void;
  /** Has the child end for good. */
  readonly dismiss: (child: Child) => void;
  readonly status: (child: Child) => ChildStatus;
  readonly budget: () => RestartBudget;
}

export class Requests {
  readonly #setup: RequestsSetup;
  /** Children that somebody waits for. */
  readonly #awaited = new Set<Child>();

  constructor(setup: RequestsSetup) {
    this.#setup = setup;
  }

  take(request: ChildRequest): void {
    const { replyTo } = request;
    try {
      this.#act(request);
    } catch (thrown) {
      if (!WeirError.is(thrown)) throw thrown;
      replyTo.tell({ type: 'refused', error: thrown });
    }
  }

  /** The child is ready, or waits for something else: whoever has asked for its start has waited long enough. */
  started(child: Child): void {
    const replyTo = this.#startOver(child);
    if (replyTo !== undefined) this.#done(child, replyTo);
  }

  notStarted(child: Child): void {
    const { id } = child.spec;
    const why = child.lastFailure?.message ?? 'it was told to end';
    const error = new WeirError('WEIR_CHILD_NOT_STARTED', { id, why }, child.lastFailure);
    this.#startOver(child)?.tell({ type: 'refused', error });
  }

  /** The child runs no more. */
  over(child: Child): void {
    // It ended while it started, and did not fail: as far as it was asked to, it has started.
    this.started(child);
    for (const replyTo of child.terminating.splice(0)) this.#done(child, replyTo);
    this.#awaited.delete(child);
  }

  /** The supervisor ends, and with it whatever was still under way. */
  close(): void {
    for (const child of this.#awaited) {
      const error = new WeirError('WEIR_ACTOR_DEAD', { path: this.#setup.path });
      this.#startOver(child)?.tell({ type: 'refused', error });
      for (const replyTo of child.terminating.splice(0)) replyTo.tell({ type: 'refused', error });
    }
    this.#awaited.clear();
  }

  /** @throws WeirError that refuses the request */
  #act(request: ChildRequest): void {
    const { replyTo } = request;
    switch (request.type) {
      case 'start-child':
        this.#startChild(request.child, replyTo);
        break;
      case 'terminate-child':
        this.#terminateChild(this.#known(request.id), replyTo);
        break;
      case 'restart-child':
        this.#restartChild(this.#known(request.id), replyTo);
        break;
      case 'delete-child':
        this.#deleteChild(this.#known(request.id), replyTo);
        break;
      default:
        unreachable(request);
    }
  }

  #startChild(spec: ChildSpec, replyTo: Ref<ChildAnswer>): void {
    const { roster, wait, spec: own } = this.#setup;
    checkChild(spec, own, () => roster.specs());
    const { id } = spec;
    const present = roster.get(id);
    if (present !== undefined) throw new WeirError('WEIR_CHILD_EXISTS', { id, state: present.state });
    const child = roster.add(spec, false);
    this.#expect(child, { replyTo, before: undefined });
    wait(child);
  }

  #terminateChild(child: Child, replyTo: Ref<ChildAnswer>): void {
    if (isOver(child)) {
      this.#done(child, replyTo);
      return;
    }
    child.terminating.push(replyTo);
    this.#awaited.add(child);
    // Nobody waits any more for a start that is called off.
    this.notStarted(child);
    this.#setup.dismiss(child);
  }

  #restartChild(child: Child, replyTo: Ref<ChildAnswer>): void {
    const before = this.#idle(child);
    child.budget = this.#setup.budget();
    this.#expect(child, { replyTo, before });
    this.#setup.wait(child);
  }

  #deleteChild(child: Child, replyTo: Ref<ChildAnswer>): void {
    const { id } = child.spec;
    this.#idle(child);
    const [by] = dependentsOf(id, this.#setup.roster.specs());
    if (by !== undefined) throw new WeirError('WEIR_CHILD_NEEDED', { id, by });
    this.#setup.roster.remove(child);
    this.#done(child, replyTo);
  }

  #known(id: string): Child {
    const { roster } = this.#setup;
    const child = roster.get(id);
    if (child !== undefined) return child;
    const hint = namesHint(
      id,
      roster.specs().map((spec) => spec.id),
    );
    throw new WeirError('WEIR_CHILD_UNKNOWN', { id, hint });
  }

  #idle({ spec: { id }, state }: Child): 'down' | 'stopped' {
    if (state === 'down' || state === 'stopped') return state;
    throw new WeirError('WEIR_CHILD_RUNS', { id, state });
  }

  #expect(child: Child, request: StartRequest): void {
    child.starting = request;
    this.#awaited.add(child);
  }

  /** The request for the child's start is settled; gives who is to be told. */
  #startOver(child: Child): Ref<ChildAnswer> | undefined {
    const replyTo = child.starting?.replyTo;
    child.starting = undefined;
    if (child.terminating.length === 0) this.#awaited.delete(child);
    return replyTo;
  }

  #done(child: Child, replyTo: Ref<ChildAnswer>): void {
    const { ref } = child;
    replyTo.tell({ type: 'done', child: this.#setup.status(child), ...(ref === undefined ? {} : { ref }) });
  }
}

function unreachable(request: never): never {
  throw new TypeError(`not a message of a supervisor: ${JSON.stringify(request)}`);
}

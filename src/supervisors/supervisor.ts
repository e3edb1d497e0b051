/**
 * The supervisor: an actor that starts its children in the order of their needs (domino), restarts each within its own
 * budget, stops and starts again what needs a child that fell, and reports what is down. It never waits in a turn: each
 * end is a signal, and after each event `#advance` does whatever has become possible.
 */
import type { ActorContext, Behavior, Cause, Decision, Failure, Receive, Ref, Signal } from '../actors/kernel/index.ts';
import { WeirError } from '../errors/index.ts';
import { type Random, toMs } from '../ports/index.ts';
import { backoffMs } from './backoff.ts';
import { type RestartBudget, restartBudget } from './budget.ts';
import { dependentsOf } from './domino.ts';
import { gated } from './gate.ts';
import { type ChildSpec, checkSpec, type SupervisorSpec } from './spec.ts';
import type { ChildState, ChildStatus } from './status.ts';

export type SupervisorMessage =
  | { readonly type: 'status'; readonly replyTo: Ref<readonly ChildStatus[]> }
  /** Starts a child again that is down or stopped, with a new budget. */
  | { readonly type: 'revive'; readonly id: string }
  /** @internal */
  | { readonly type: 'ready'; readonly id: string; readonly uid: number }
  /** @internal */
  | { readonly type: 'failed'; readonly id: string; readonly uid: number; readonly error: Error }
  /** @internal */
  | { readonly type: 'again'; readonly id: string };

export interface SupervisorSetup {
  readonly random: Random;
  /** A child is down: it is past its budget, and nobody restarts it. Its siblings go on. */
  readonly onDown?: (id: string, cause: Error) => void;
  /** Called after each change, for health and readiness. */
  readonly onChange?: (status: readonly ChildStatus[]) => void;
}

/**
 * The behaviour of a supervisor. It fails, with the chain of causes, when a significant child goes down and when nothing
 * is left that runs or could start; what happens then is its owner's policy.
 * @throws WeirError `WEIR_SUPERVISION_INVALID` before anything starts
 */
export function supervisor(spec: SupervisorSpec, setup: SupervisorSetup): Behavior<SupervisorMessage> {
  const children = checkSpec(spec);
  return (context) => {
    const running = new Supervisor(spec, children, setup, context);
    running.start();
    return running;
  };
}

const defaultShutdown = '5 s';

/** How long a supervisor's own stop must be given: as long as its children may need one after the other. */
export function shutdownMsOf(spec: SupervisorSpec): number {
  return spec.children.reduce((sum, { shutdown = defaultShutdown }) => sum + toMs(shutdown), 1_000);
}

interface ChildRecord {
  readonly spec: ChildSpec;
  state: ChildState;
  budget: RestartBudget;
  restarts: number;
  lastFailure: Error | undefined;
  /** The incarnation that failed last. */
  failedUid: number | undefined;
  ref: Ref<never> | undefined;
  /** What it needs fell while it ran: it must end and start anew, even if that has returned meanwhile. */
  outdated: boolean;
}

class Supervisor implements Receive<SupervisorMessage> {
  readonly #spec: SupervisorSpec;
  readonly #setup: SupervisorSetup;
  readonly #context: ActorContext<SupervisorMessage>;
  /** In start order. */
  readonly #children: ReadonlyMap<string, ChildRecord>;
  #over = false;
  #published = '';

  constructor(
    spec: SupervisorSpec,
    children: readonly ChildSpec[],
    setup: SupervisorSetup,
    context: ActorContext<SupervisorMessage>,
  ) {
    this.#spec = spec;
    this.#setup = setup;
    this.#context = context;
    this.#children = new Map(children.map((child) => [child.id, this.#record(child)]));
  }

  start(): void {
    this.#advance();
  }

  readonly message = (message: SupervisorMessage): void => {
    if (message.type === 'status') {
      message.replyTo.tell(this.#status());
      return;
    }
    const child = this.#children.get(message.id);
    if (child === undefined) return;
    switch (message.type) {
      case 'ready':
        // An older incarnation's report, or one that a stop has overtaken, says nothing any more.
        if (child.ref?.uid === message.uid && runs(child)) child.state = 'ready';
        break;
      case 'failed':
        this.#failed(child, message.error, message.uid);
        break;
      case 'again':
        if (child.state === 'backoff' && child.ref === undefined) child.state = 'waiting';
        break;
      case 'revive':
        if (child.state !== 'down' && child.state !== 'stopped') return;
        child.budget = this.#budget();
        child.state = 'waiting';
        break;
      default:
        unreachable(message);
    }
    this.#advance();
  };

  readonly signal = ({ ref, cause }: Signal): void => {
    for (const child of this.#children.values()) {
      if (child.ref === ref) this.#ended(child, cause);
    }
    this.#advance();
  };

  #failed(child: ChildRecord, error: Error, failedUid: number): void {
    child.lastFailure = error;
    child.restarts += 1;
    child.failedUid = failedUid;
    if (child.state !== 'stopping') child.state = 'backoff';
    this.#fall(child);
  }

  /** The child's actor is gone for good: what follows is a new one, or none. */
  #ended(child: ChildRecord, cause: Cause): void {
    child.ref = undefined;
    this.#fall(child);
    if (child.state === 'stopping') {
      child.outdated = false;
      child.state = 'waiting';
    } else if (cause.type === 'failed') {
      if (cause.error !== undefined) child.lastFailure = cause.error;
      if (restartOf(child.spec) === 'temporary') child.state = 'stopped';
      else this.#down(child);
    } else if (restartOf(child.spec) !== 'permanent') {
      child.state = 'stopped';
    } else {
      this.#endedTooEarly(child, cause);
    }
  }

  /** A permanent child has ended without a failure: that is one, too. */
  #endedTooEarly(child: ChildRecord, cause: Cause): void {
    const { id } = child.spec;
    child.lastFailure = new WeirError('WEIR_CHILD_ENDED', { id, how: cause.type }, cause.error);
    const decision = this.#decide(child);
    if (decision.type !== 'restart') {
      this.#down(child);
      return;
    }
    child.restarts += 1;
    child.state = 'backoff';
    this.#context.startTimer(`again/${id}`, { type: 'again', id }, decision.delayMs);
  }

  #down(child: ChildRecord): void {
    const { id, significant } = child.spec;
    const { restarts, lastFailure } = child;
    child.state = 'down';
    const cause = new WeirError('WEIR_CHILD_DOWN', { id, restarts }, lastFailure);
    this.#context.log.error({ child: id, restarts, err: lastFailure }, 'child is down: past its restart budget');
    this.#tell(() => this.#setup.onDown?.(id, cause));
    if (significant) this.#context.fail(cause);
  }

  /** Whatever needs this child, directly or not, stands on something that is gone. */
  #fall(child: ChildRecord): void {
    for (const id of dependentsOf(child.spec.id, this.#spec.children)) {
      const dependent = this.#children.get(id);
      if (dependent !== undefined && runs(dependent)) dependent.outdated = true;
    }
  }

  #advance(): void {
    this.#stopOutdated();
    for (const child of this.#children.values()) {
      if (child.state === 'waiting' && this.#missing(child).length === 0) this.#start(child);
    }
    this.#lookForAnyLeft();
    this.#publish();
  }

  /** One after the other, the last in start order first: a dependent ends while what it stands on is still there. */
  #stopOutdated(): void {
    const children = [...this.#children.values()].reverse();
    if (children.some(({ state }) => state === 'stopping')) return;
    for (const child of children) {
      if (!child.outdated) continue;
      if (child.ref !== undefined) {
        child.state = 'stopping';
        void this.#context.stop(child.ref);
        return;
      }
      // It waits for its own restart; now it waits for what it needs instead.
      this.#context.cancelTimer(`again/${child.spec.id}`);
      child.outdated = false;
      child.state = 'waiting';
    }
  }

  #start(child: ChildRecord): void {
    const { spec } = child;
    const { startWithin, turnWithin, capacity, inspect, shutdown = defaultShutdown } = spec;
    const behavior = gated({
      child: spec,
      startWithinMs: startWithin === undefined ? undefined : toMs(startWithin),
      onReady: (uid) => this.#context.self.tell({ type: 'ready', id: spec.id, uid }),
    });
    child.state = 'starting';
    child.ref = this.#context.spawn(spec.id, behavior, {
      shutdownMs: toMs(shutdown),
      onFailure: (failure) => this.#judge(child, failure),
      ...(turnWithin === undefined ? {} : { turnDeadlineMs: toMs(turnWithin) }),
      ...(capacity === undefined ? {} : { capacity }),
      ...(inspect === undefined ? {} : { inspect }),
    });
    this.#context.watch(child.ref);
  }

  /** The child's failure policy. It runs in the child's turn, so it only decides; the rest follows in a turn of ours. */
  #judge(child: ChildRecord, { error, ref }: Failure): Decision {
    const decision: Decision = restartOf(child.spec) === 'temporary' ? { type: 'stop' } : this.#decide(child);
    // A stop is seen by death watch, with its cause.
    if (decision.type === 'restart') {
      this.#context.self.tell({ type: 'failed', id: child.spec.id, uid: ref.uid, error });
    }
    return decision;
  }

  #decide(child: ChildRecord): Decision {
    const { min, max, jitter } = this.#spec.backoff;
    const verdict = child.budget.record(this.#context.clock.monotonic());
    if (verdict.type === 'exhausted') return { type: 'stop' };
    const settings = { minMs: toMs(min), maxMs: toMs(max), jitter };
    return { type: 'restart', delayMs: backoffMs(settings, verdict.attempt, this.#setup.random) };
  }

  /** When all that remains is down, or waits for what is down, no event will ever start anything again. */
  #lookForAnyLeft(): void {
    const children = [...this.#children.values()];
    const down = children.findLast(({ state }) => state === 'down');
    if (down === undefined || this.#over || children.some((child) => runs(child) || child.state === 'stopping')) return;
    this.#over = true;
    this.#context.fail(new WeirError('WEIR_NOTHING_LEFT', { path: this.#context.self.path }, down.lastFailure));
  }

  #publish(): void {
    const { onChange } = this.#setup;
    if (onChange === undefined) return;
    const status = this.#status();
    const text = JSON.stringify(status);
    if (text === this.#published) return;
    this.#published = text;
    this.#tell(() => onChange(status));
  }

  #tell(tell: () => void): void {
    try {
      tell();
    } catch (thrown) {
      // Whoever looks on must not be able to bring down what it looks at.
      this.#context.log.error({ err: thrown }, 'a listener of the supervisor failed');
    }
  }

  #status(): readonly ChildStatus[] {
    return [...this.#children.values()].map((child) => {
      const { spec, state, restarts, lastFailure, ref, failedUid } = child;
      // The next incarnation begins by itself, in the kernel; its uid shows that it has.
      const again = state === 'backoff' && ref !== undefined && ref.uid !== failedUid;
      return {
        id: spec.id,
        state: again ? 'starting' : state,
        waitsOn: state === 'waiting' ? this.#missing(child) : [],
        restarts,
        ...(lastFailure === undefined ? {} : { lastFailure: lastFailure.message }),
      };
    });
  }

  /** What the child needs and has not. */
  #missing({ spec: { needs = [] } }: ChildRecord): readonly string[] {
    return needs.filter((id) => {
      const needed = this.#children.get(id);
      return needed === undefined || needed.state !== 'ready' || needed.outdated;
    });
  }

  #record(spec: ChildSpec): ChildRecord {
    return {
      spec,
      state: 'waiting',
      budget: this.#budget(),
      restarts: 0,
      lastFailure: undefined,
      failedUid: undefined,
      ref: undefined,
      outdated: false,
    };
  }

  #budget(): RestartBudget {
    const { max, within } = this.#spec.intensity;
    return restartBudget({ max, withinMs: toMs(within) });
  }
}

function restartOf({ restart = 'permanent' }: ChildSpec): NonNullable<ChildSpec['restart']> {
  return restart;
}

function runs({ state }: ChildRecord): boolean {
  return state === 'starting' || state === 'ready' || state === 'backoff';
}

function unreachable(message: never): never {
  throw new TypeError(`not a message of a supervisor: ${JSON.stringify(message)}`);
}

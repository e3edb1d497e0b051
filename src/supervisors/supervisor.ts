/**
 * The supervisor: an actor that starts its children in order (domino), restarts each within its own budget, alone or with
 * those that the strategy takes along, and reports what is down. It never waits in a turn: whatever happens is noted
 * first, and after each event `#advance` does whatever has become possible.
 */
import type {
  ActorContext,
  Behavior,
  Cause,
  Decision,
  Failure,
  Receive,
  Signal,
  SpawnOptions,
} from '../actors/kernel/index.ts';
import { WeirError } from '../errors/index.ts';
import { type Random, toMs } from '../ports/index.ts';
import { backoffMs } from './backoff.ts';
import { restartBudget } from './budget.ts';
import { checkSpec } from './check-spec.ts';
import { type Child, isForgotten, isOver, isReady, restartOf, runs, statusOf } from './child.ts';
import { gated } from './gate.ts';
import type { SupervisorMessage } from './messages.ts';
import { type Onlookers, Reports } from './reports.ts';
import { Requests } from './requests.ts';
import { Roster } from './roster.ts';
import { type ChildSpec, type SupervisorSpec, shutdownMsOfChild } from './spec.ts';
import type { ChildStatus } from './status.ts';
import { type Elsewhere, Uses } from './uses.ts';

export interface SupervisorSetup extends Onlookers {
  readonly random: Random;
  /** What is known of the services that the specification calls `elsewhere`. Default: none of them is there. */
  readonly elsewhere?: Elsewhere;
}

/**
 * The behaviour of a supervisor. It fails, with the chain of causes, when a significant child goes down and when nothing
 * is left that runs or could start; what happens then is its owner's policy.
 * @throws WeirError `WEIR_SUPERVISION_INVALID` before anything starts
 */
export function supervisor(spec: SupervisorSpec, setup: SupervisorSetup): Behavior<SupervisorMessage> {
  const children = checkSpec(spec);
  return (context) => {
    const running = new Supervisor(spec, setup, context);
    running.start(children);
    return running;
  };
}

class Supervisor implements Receive<SupervisorMessage> {
  readonly #spec: SupervisorSpec;
  readonly #setup: SupervisorSetup;
  readonly #context: ActorContext<SupervisorMessage>;
  readonly #roster: Roster;
  readonly #uses: Uses;
  readonly #requests: Requests;
  readonly #reports: Reports;
  /** What happened in turns of children; it is looked at in a turn of ours. It cannot be refused as messages can. */
  #happened: (() => void)[] = [];
  /** Children that have to start or to end. */
  readonly #unsettled = new Set<Child>();
  /** It has failed or finished; what it does next is to end. */
  #over = false;

  constructor(spec: SupervisorSpec, setup: SupervisorSetup, context: ActorContext<SupervisorMessage>) {
    this.#spec = spec;
    this.#setup = setup;
    this.#context = context;
    this.#reports = new Reports(setup, context.log);
    const { max, within } = spec.intensity;
    const budget = { max, withinMs: toMs(within) };
    this.#roster = new Roster({ strategy: spec.strategy, budget: () => restartBudget(budget) });
    this.#uses = new Uses({
      isReady: (id) => {
        const child = this.#roster.get(id);
        return child === undefined ? undefined : isReady(child);
      },
      elsewhere: setup.elsewhere,
      call: (listener) => this.#reports.call(listener),
    });
    this.#requests = new Requests({
      spec,
      roster: this.#roster,
      path: context.self.path,
      wait: (child) => this.#wait(child),
      dismiss: (child) => this.#dismiss(child),
      status: (child) => this.#statusOf(child),
      budget: () => restartBudget(budget),
    });
  }

  start(children: readonly ChildSpec[]): void {
    for (const child of children) this.#wait(this.#roster.add(child, true));
    const unsubscribe = this.#setup.elsewhere?.onChange(() => this.#noted(() => undefined));
    const { signal } = this.#context;
    if (unsubscribe !== undefined) signal.addEventListener('abort', unsubscribe, { once: true });
    signal.addEventListener('abort', () => this.#callOff(), { once: true });
    this.#advance();
  }

  /** The supervisor ends. Its children end in their order, which takes time; none of them may start anew meanwhile. */
  #callOff(): void {
    this.#lookAtWhatHappened();
    for (const { ref, failedUid } of this.#roster.all()) {
      if (ref !== undefined && ref.uid === failedUid) void this.#context.stop(ref);
    }
  }

  readonly message = (message: SupervisorMessage): void => {
    this.#lookAtWhatHappened();
    switch (message.type) {
      case 'status':
        message.replyTo.tell(this.#status());
        return;
      case 'look':
        break;
      case 'again':
        this.#again(message.id);
        break;
      default:
        this.#requests.take(message);
    }
    this.#advance();
  };

  readonly signal = ({ ref, cause }: Signal): void => {
    // Before its end a child may have been ready, or have failed.
    this.#lookAtWhatHappened();
    const child = this.#roster.of(ref);
    if (child !== undefined) this.#ended(child, cause);
    this.#advance();
  };

  readonly ended = (): void => this.#requests.close();

  #noted(what: () => void): void {
    this.#happened.push(what);
    if (this.#happened.length > 1 || this.#context.self.tell({ type: 'look' }) === 'accepted') return;
    // A mailbox that takes no messages still takes timers.
    this.#context.startTimer('look', { type: 'look' }, 0);
  }

  #lookAtWhatHappened(): void {
    const happened = this.#happened;
    this.#happened = [];
    for (const what of happened) what();
  }

  #wait(child: Child): void {
    child.state = 'waiting';
    this.#unsettled.add(child);
  }

  /** Ends a child that runs, to have it start anew; whoever is to end for good does so all the same. */
  #callBack(child: Child): void {
    if (!runs(child)) return;
    child.leaving ??= 'to-return';
    this.#unsettled.add(child);
  }

  #dismiss(child: Child): void {
    child.leaving = 'for-good';
    this.#unsettled.add(child);
    this.#fall(child);
  }

  #ready(child: Child): void {
    // A report that a stop has overtaken says nothing any more.
    if (!runs(child)) return;
    child.state = 'ready';
    if (child.leaving === undefined) this.#requests.started(child);
  }

  /** The child has failed, and the kernel restarts it. */
  #failed(child: Child, { error, ref, during }: Failure, uid: number): void {
    if (during !== 'restart') child.lastFailure = error;
    child.restarts += 1;
    child.failedUid = uid;
    if (child.ref === ref && runs(child)) child.state = 'backoff';
    this.#fall(child);
  }

  /** The child's actor is gone for good: what follows is a new one, or none. */
  #ended(child: Child, cause: Cause): void {
    this.#roster.setRef(child, undefined);
    this.#fall(child);
    if (child.leaving !== undefined) {
      this.#left(child);
      return;
    }
    if (WeirError.is(cause.error, 'WEIR_ACTOR_RESTARTED')) {
      this.#restart(child, 0);
      return;
    }
    const failed = cause.type === 'failed' || cause.type === 'abandoned';
    if (!failed && restartOf(child) !== 'permanent') {
      this.#finished(child);
      return;
    }
    // A permanent child that has ended without a failure: that is one, too.
    child.lastFailure = (failed ? cause.error : undefined) ?? this.#unbidden(child, cause);
    if (child.starting !== undefined) this.#startFailed(child);
    else if (restartOf(child) === 'temporary') this.#finished(child);
    else this.#afterFailure(child);
  }

  #unbidden({ spec: { id } }: Child, { type, error }: Cause): WeirError {
    return new WeirError('WEIR_CHILD_ENDED', { id, how: type }, error);
  }

  #afterFailure(child: Child): void {
    const decision: Decision = child.exhausted ? { type: 'stop' } : this.#decide(child);
    if (decision.type === 'restart') this.#restart(child, decision.delayMs);
    else this.#down(child);
  }

  /** Starts a new actor for the child after the delay, and one for each that the strategy takes along. */
  #restart(child: Child, delayMs: number): void {
    const { id } = child.spec;
    child.restarts += 1;
    child.state = 'backoff';
    this.#context.startTimer(`again/${id}`, { type: 'again', id }, delayMs);
    const along = this.#roster.takenAlong(child).filter(runs);
    for (const other of along) this.#callBack(other);
    const facts = { child: id, along: along.map(({ spec }) => spec.id), delayMs, err: child.lastFailure };
    this.#context.log.warn(facts, 'child restarts');
  }

  #again(id: string): void {
    const child = this.#roster.get(id);
    if (child?.state === 'backoff' && child.ref === undefined) this.#wait(child);
  }

  /** What was asked to end has ended. */
  #left(child: Child): void {
    const forGood = child.leaving === 'for-good';
    child.leaving = undefined;
    if (forGood || restartOf(child) === 'temporary') this.#retire(child, 'stopped');
    else this.#wait(child);
  }

  /** It ended by itself and is not restarted. */
  #finished(child: Child): void {
    this.#retire(child, 'stopped');
    const { autoShutdown = 'never' } = this.#spec;
    if (child.spec.significant !== true || autoShutdown === 'never') return;
    const active = this.#roster.all().filter((other) => other.spec.significant === true && !isOver(other));
    if (autoShutdown === 'all-significant' && active.length > 0) return;
    this.#over = true;
    this.#context.finish();
  }

  #down(child: Child): void {
    const { id, significant } = child.spec;
    const cause = downCause(child);
    this.#retire(child, 'down');
    for (const other of this.#roster.takenAlong(child)) this.#callBack(other);
    this.#reports.down(id, cause);
    if (significant !== true) return;
    this.#over = true;
    this.#context.fail(cause);
  }

  #startFailed(child: Child): void {
    const before = child.starting?.before;
    this.#requests.notStarted(child);
    if (before === undefined) this.#roster.remove(child);
    else this.#retire(child, before);
  }

  #retire(child: Child, state: 'stopped' | 'down'): void {
    child.state = state;
    this.#unsettled.delete(child);
    if (isForgotten(child, this.#spec.strategy)) this.#roster.remove(child);
    this.#requests.over(child);
  }

  /** Whatever needs this child, directly or not, stands on something that is gone. */
  #fall(child: Child): void {
    for (const dependent of this.#roster.dependents(child)) this.#callBack(dependent);
  }

  #advance(): void {
    // Once it is over all children are about to be stopped.
    if (!this.#over) this.#settle();
    this.#uses.update();
    this.#reports.changed(() => this.#status());
  }

  #settle(): void {
    const unsettled = [...this.#unsettled].sort((one, other) => one.position - other.position);
    // A dependent ends while what it stands on is still there, so the last in start order goes first.
    for (const child of unsettled.toReversed()) this.#stopIfDue(child);
    for (const child of unsettled) this.#startIfDue(child);
    this.#lookForAnyLeft();
  }

  #stopIfDue(child: Child): void {
    if (child.leaving === undefined || child.state === 'stopping' || !this.#roster.mayEnd(child)) return;
    if (child.ref !== undefined) {
      child.state = 'stopping';
      void this.#context.stop(child.ref);
      return;
    }
    // It waits for a start of its own, which it will not come to.
    this.#left(child);
  }

  #startIfDue(child: Child): void {
    if (child.state === 'waiting' && child.leaving === undefined) {
      if (this.#roster.holdingUp(child).length > 0) {
        this.#requests.started(child);
        return;
      }
      this.#start(child);
    }
    if (child.leaving === undefined) this.#unsettled.delete(child);
  }

  #start(child: Child): void {
    const { spec } = child;
    const { startWithin } = spec;
    const behavior = gated({
      child: spec,
      startWithinMs: startWithin === undefined ? undefined : toMs(startWithin),
      onReady: () => this.#noted(() => this.#ready(child)),
      follow: (listener) => this.#uses.follow(spec, listener),
    });
    child.state = 'starting';
    child.exhausted = false;
    const onFailure = (failure: Failure): Decision => this.#judge(child, failure);
    const ref = this.#context.spawn(spec.id, behavior, spawnOptions(spec, onFailure));
    this.#roster.setRef(child, ref);
    this.#context.watch(ref);
  }

  /** The child's failure policy. It runs in the child's turn, so it only decides; the rest follows in a turn of ours. */
  #judge(child: Child, failure: Failure): Decision {
    // Those that restart together begin with an empty mailbox, so their actors end; so do those that have to end anyway.
    const ends = child.leaving !== undefined || this.#context.signal.aborted;
    if (ends || child.starting !== undefined || this.#roster.together) return { type: 'stop' };
    const decision = this.#verdict(child, failure);
    // A stop is seen by death watch, with its cause.
    if (decision.type !== 'restart') child.exhausted = true;
    else {
      const { uid } = failure.ref;
      this.#noted(() => this.#failed(child, failure, uid));
    }
    return decision;
  }

  #verdict(child: Child, { during }: Failure): Decision {
    if (during === 'restart') return { type: 'restart', delayMs: 0 };
    return restartOf(child) === 'temporary' ? { type: 'stop' } : this.#decide(child);
  }

  #decide(child: Child): Decision {
    const { min, max, jitter } = this.#spec.backoff;
    const verdict = child.budget.record(this.#context.clock.monotonic());
    if (verdict.type === 'exhausted') return { type: 'stop' };
    const settings = { minMs: toMs(min), maxMs: toMs(max), jitter };
    return { type: 'restart', delayMs: backoffMs(settings, verdict.attempt, this.#setup.random) };
  }

  /** When all that remains is down, or waits for what is down, no event will ever start anything again. */
  #lookForAnyLeft(): void {
    // Without children is what a simple-one-for-one begins with.
    if (this.#spec.strategy === 'simple-one-for-one') return;
    const children = this.#roster.all();
    const down = children.findLast(({ state }) => state === 'down');
    if (down === undefined || children.some((child) => runs(child) || child.state === 'stopping')) return;
    this.#over = true;
    this.#context.fail(new WeirError('WEIR_NOTHING_LEFT', { path: this.#context.self.path }, downCause(down)));
  }

  #status(): readonly ChildStatus[] {
    return this.#roster.all().map((child) => this.#statusOf(child));
  }

  #statusOf(child: Child): ChildStatus {
    const waitsOn = child.state === 'waiting' ? this.#roster.holdingUp(child) : [];
    return statusOf(child, waitsOn, this.#uses.lacking(child.spec));
  }
}

function downCause({ spec: { id }, restarts, lastFailure }: Child): WeirError {
  return new WeirError('WEIR_CHILD_DOWN', { id, restarts }, lastFailure);
}

function spawnOptions(spec: ChildSpec, onFailure: (failure: Failure) => Decision): SpawnOptions {
  const { turnWithin, progressWithin, capacity, inspect } = spec;
  return {
    onFailure,
    shutdownMs: shutdownMsOfChild(spec),
    besideAbandoned: true,
    ...(turnWithin === undefined ? {} : { turnDeadlineMs: toMs(turnWithin) }),
    ...(progressWithin === undefined ? {} : { progressWithinMs: toMs(progressWithin) }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(inspect === undefined ? {} : { inspect }),
  };
}

/**
 * A cell: one actor over all its incarnations. Owns its state, what follows from a failure (AK4), and how it ends (AK3).
 * Its messages are in `inbox.ts`, its turns in `turns.ts`, and what belongs to a single incarnation in `incarnation.ts`.
 */
import { ensureError, messageOf, WeirError } from '../../errors/index.ts';
import type { Timer } from '../../ports/index.ts';
import { type Asked, messageOfEntry } from './asked.ts';
import { Context, type Inside } from './context.ts';
import { Deadline } from './deadline.ts';
import { type Child, Family } from './family.ts';
import { Inbox } from './inbox.ts';
import { type EndHooks, Incarnation, type SystemEntry } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import type { Branch, NactNode } from './name-tree.ts';
import { judge, logFailure } from './policy.ts';
import { ActorRef } from './ref.ts';
import { type Ending, shutDown } from './shutdown.ts';
import { isThenable } from './thenable.ts';
import type { FiredTimer, ReceiveTimeout } from './timers.ts';
import { Tracing } from './trace.ts';
import { type TurnHost, Turns } from './turns.ts';
import type {
  ActorSnapshot,
  ActorTrace,
  Behavior,
  Cause,
  Failure,
  Receive,
  Ref,
  Signal,
  SpawnOptions,
  TellResult,
  TraceSettings,
} from './types.ts';
import { Watchers } from './watchers.ts';

const defaultCapacity = 10_000;
const defaultShutdownMs = 5_000;

/** Who a cell belongs to: another cell, or the system. */
export interface Owner {
  /** A child failed in a way that its policy hands on. */
  escalated(path: string, error: Error): void;
  /** A child is dead; its name is free if nothing that it ran runs any more, else once it has settled. */
  forget(child: Child, settled: boolean): void;
  childSettled(child: Child): void;
}

export interface CellSetup<Message> {
  readonly kernel: Kernel;
  readonly owner: Owner;
  readonly branch: Branch;
  readonly name: string;
  readonly path: string;
  readonly behavior: Behavior<Message>;
  readonly options: SpawnOptions;
}

class Cell<Message> implements TurnHost<Message>, Child, Inside<Message>, Ending, EndHooks, Owner {
  readonly kernel: Kernel;
  readonly name: string;
  readonly path: string;
  readonly ref: ActorRef<Message>;
  readonly node: NactNode;
  uid: number;
  listed = false;
  tokenOut = false;
  readonly #owner: Owner;
  readonly #behavior: Behavior<Message>;
  readonly #options: SpawnOptions;
  readonly inbox: Inbox<Message>;
  state: ActorSnapshot['state'] = 'starting';
  incarnation: Incarnation<Message> | undefined;
  readonly #turns = new Turns<Message>(this);
  #restarts = 0;
  #lastFailure: string | undefined;
  #family: Family | undefined;
  #watchers: Watchers | undefined;
  #backoff: Timer | undefined;
  #stopped: Promise<void> | undefined;
  #deadline: Deadline | undefined;
  #tracing: Tracing<Message> | undefined;
  /** Why the last incarnation ended; in the end, why the actor did. */
  #cause: Cause = { type: 'stopped' };

  constructor({ kernel, owner, branch, name, path, behavior, options }: CellSetup<Message>) {
    this.kernel = kernel;
    this.name = name;
    this.path = path;
    this.inbox = new Inbox(kernel, path, options.capacity ?? defaultCapacity);
    this.uid = kernel.nextUid();
    this.#owner = owner;
    this.#behavior = behavior;
    this.#options = options;
    this.ref = new ActorRef<Message>(this, undefined, (message) => this.accept(message, false));
    this.node = kernel.tree.add(branch);
    kernel.governor.ready(this);
  }

  get alive(): boolean {
    return this.state !== 'dead';
  }

  get capacity(): number {
    return this.inbox.capacity;
  }

  get turnDeadlineMs(): number | undefined {
    return this.#options.turnDeadlineMs;
  }

  get progressWithinMs(): number | undefined {
    return this.#options.progressWithinMs;
  }

  /** Neither a message queued nor a turn under way. */
  get resting(): boolean {
    return this.#turns.parked;
  }

  /** Takes a message; a `bound` one only for the incarnation that runs now. */
  accept(entry: Message | Asked<Message>, bound: boolean): TellResult {
    if (this.state === 'draining' || this.state === 'dead') {
      const reason = this.state === 'dead' ? 'dead' : 'stopped';
      this.kernel.letters.undeliverable(this.path, reason, messageOfEntry(entry));
      return 'dead';
    }
    const result = this.inbox.offer(entry, bound);
    if (this.#turns.parked && result === 'accepted') this.#turns.wake();
    return result;
  }

  ask(asked: Asked<Message>, uid: number | undefined): TellResult {
    if (uid !== undefined && this.alive && (uid !== this.uid || this.incarnation?.over !== false)) {
      this.kernel.letters.undeliverable(this.path, 'stale', asked.request);
      return 'dead';
    }
    const result = this.accept(asked, uid !== undefined);
    if (result === 'accepted') this.inbox.asked(asked);
    return result;
  }

  fired(timer: FiredTimer<Message>): void {
    this.inbox.fired(timer);
    if (this.#turns.parked) this.#turns.wake();
  }

  #enter(incarnation: Incarnation<Message>, entry: SystemEntry): void {
    if (incarnation.over) return;
    incarnation.lane ??= [];
    incarnation.lane.push(entry);
    if (this.#turns.parked) this.#turns.wake();
  }

  signal(incarnation: Incarnation<Message>, signal: Signal): void {
    this.#enter(incarnation, { type: 'signal', signal });
  }

  fail(incarnation: Incarnation<Message>, error: Error): void {
    this.#enter(incarnation, { type: 'fail', error, during: 'message' });
  }

  runTurn(): void {
    this.#turns.run();
  }

  release(): void {
    this.kernel.tree.remove(this.node, this.#family?.branch);
  }

  begin(): void {
    const incarnation = new Incarnation<Message>(this.uid);
    this.incarnation = incarnation;
    this.kernel.probe?.born(this.uid, this.path);
    try {
      const made = this.#behavior(new Context(this, incarnation));
      if (isThenable(made)) {
        this.#turns.follow(incarnation, 'start', made, (receive) => this.#made(incarnation, receive));
      } else {
        this.#made(incarnation, made);
        if (this.state === 'starting') this.state = 'live';
      }
    } catch (thrown) {
      this.failed(incarnation, thrown, 'start');
    }
  }

  #made(incarnation: Incarnation<Message>, receive: Receive<Message>): void {
    if (incarnation.over) {
      // A start that was given up: what it made is only put away.
      incarnation.receive = receive;
      return;
    }
    incarnation.receive = this.#tracing?.around(receive) ?? receive;
    this.kernel.events.publish(this.#restarts > 0 ? 'restarted' : 'started', this.path, this.uid);
  }

  late(incarnation: Incarnation<Message>): void {
    incarnation.late(this);
    this.hookEnded(incarnation);
  }

  failed(incarnation: Incarnation<Message>, thrown: unknown, during: Failure['during']): void {
    const failure: Failure = { ref: this.ref, error: ensureError(thrown), during };
    this.#lastFailure = failure.error.message;
    if (this.state === 'draining' || incarnation.over) {
      // It ends already; a failure cannot make it end twice, but nobody may miss it.
      logFailure(this.kernel.logger, failure, { type: 'stop' });
      return;
    }
    const { decision, error } = judge(failure, this.#options.onFailure);
    logFailure(this.kernel.logger, failure, decision);
    this.kernel.events.publish('failed', this.path, this.uid, failure.error.message);
    const cause: Cause = { type: 'failed', error };
    if (decision.type === 'restart') this.#restart(incarnation, decision.delayMs, cause);
    else void this.stop(cause);
    if (decision.type !== 'escalate') return;
    this.kernel.events.publish('escalated', this.path, this.uid, error.message);
    this.#owner.escalated(this.path, error);
  }

  escalated(path: string, error: Error): void {
    const incarnation = this.incarnation;
    if (incarnation !== undefined) this.fail(incarnation, new WeirError('WEIR_ESCALATED', { path }, error));
  }

  #restart(incarnation: Incarnation<Message>, delayMs: number, cause: Cause): void {
    this.state = 'restarting';
    this.#turns.parked = false;
    this.#restarts += 1;
    this.#cause = cause;
    this.#end(incarnation);
    this.inbox.spillBound();
    if (!incarnation.hasHook && (this.#family?.size ?? 0) === 0) this.#again(delayMs);
    else void this.#restartLater(incarnation, delayMs, cause);
  }

  async #restartLater(incarnation: Incarnation<Message>, delayMs: number, cause: Cause): Promise<void> {
    // Without children its end begins within its turn: nobody who hears of it can be quicker.
    if (this.#family !== undefined && this.#family.size > 0) await this.#family.stop({ type: 'stopped' });
    const deadline = new Deadline(this.kernel.clock, this.#shutdownMs);
    await deadline.within(this.#runHook(incarnation, cause));
    deadline.cancel();
    this.#again(delayMs);
  }

  #again(delayMs: number): void {
    if (this.state !== 'restarting') return;
    const { uid } = this;
    this.#watchers?.tell(this.#cause, (ref) => ref !== this.ref && ref.uid === uid);
    const start = (): void => {
      this.state = 'starting';
      this.uid = this.kernel.nextUid();
      this.incarnation = undefined;
      // Even without a delay the next incarnation waits for its turn: a start that always fails starves nobody.
      this.#turns.wake();
    };
    if (delayMs > 0) this.#backoff = this.kernel.clock.after(delayMs, start);
    else start();
  }

  /** Ends what belongs to the incarnation. Stashed messages were accepted: they go back, in front of the others. */
  #end(incarnation: Incarnation<Message>): void {
    this.inbox.unstash(incarnation);
    this.inbox.idle = undefined;
    this.kernel.probe?.gone(incarnation.uid);
    incarnation.close();
  }

  #runHook(incarnation: Incarnation<Message>, cause: Cause): Promise<void> {
    return incarnation.end(cause, this);
  }

  hookEnded({ ending }: { readonly ending: boolean }): void {
    if (!this.alive && !ending && this.#turns.abandoned === 0) this.#owner.childSettled(this);
  }

  hookFailed(thrown: unknown): void {
    this.kernel.logger.error({ actor: this.path, err: thrown }, 'an actor failed while it ended');
  }

  stop(cause: Cause): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    this.state = 'draining';
    this.#turns.parked = false;
    this.#cause = cause;
    this.#backoff?.cancel();
    const nothingToAwait =
      !this.#turns.underWay && (this.#family?.size ?? 0) === 0 && this.incarnation?.hasHook !== true;
    this.#stopped = nothingToAwait ? this.#die() : this.#shutDown();
    return this.#stopped;
  }

  kill(): void {
    this.#deadline?.pass();
  }

  async #shutDown(): Promise<void> {
    const deadline = new Deadline(this.kernel.clock, this.#shutdownMs);
    this.#deadline = deadline;
    await shutDown(this, deadline);
    await this.#die();
  }

  settled(): Promise<void> | undefined {
    return this.#turns.settled();
  }

  abandon(): void {
    this.#turns.abandon();
    const { error } = this.#cause;
    this.#cause = error === undefined ? { type: 'abandoned' } : { type: 'abandoned', error };
  }

  close(): void {
    if (this.incarnation !== undefined) this.#end(this.incarnation);
  }

  family(): Family | undefined {
    return this.#family;
  }

  runHook(): Promise<void> {
    return this.incarnation === undefined ? Promise.resolve() : this.#runHook(this.incarnation, this.#cause);
  }

  #die(): Promise<void> {
    this.close();
    this.state = 'dead';
    const settled = this.#turns.abandoned === 0 && this.incarnation?.ending !== true;
    this.incarnation = undefined;
    this.inbox.spill();
    // A token that is out comes back to this node, so the node goes only then.
    if (!this.tokenOut) this.release();
    this.#owner.forget(this, settled);
    const { type, error } = this.#cause;
    this.kernel.events.publish(
      'stopped',
      this.path,
      this.uid,
      error === undefined ? type : `${type}: ${error.message}`,
    );
    this.#watchers?.tell(this.#cause, () => true);
    this.#watchers = undefined;
    return Promise.resolve();
  }

  suspend(): boolean {
    if (this.state === 'live') {
      this.state = 'suspended';
      // Nothing that arrives asks for a turn any more.
      this.#turns.parked = false;
      this.kernel.events.publish('suspended', this.path, this.uid);
    }
    return this.state === 'suspended';
  }

  resume(): boolean {
    if (this.state === 'suspended') {
      this.state = 'live';
      this.kernel.events.publish('resumed', this.path, this.uid);
      if (!this.#turns.underWay) this.#turns.wake();
    }
    return this.state === 'live';
  }

  restart(error: Error): boolean {
    this.resume();
    const { incarnation } = this;
    if (!this.#steer({ type: 'fail', error, during: 'restart' }) || incarnation === undefined) return false;
    if (!this.#turns.underWay) return true;
    const timer = this.kernel.clock.after(this.#shutdownMs, () => {
      if (!incarnation.over && this.#turns.underWay) this.#turns.giveUp(incarnation, error, 'restart');
    });
    incarnation.signal.addEventListener('abort', () => timer.cancel(), { once: true });
    return true;
  }

  crash(error: Error): boolean {
    return this.#steer({ type: 'fail', error, during: 'message' });
  }

  hang(until: Promise<void>): boolean {
    return this.#steer({ type: 'hang', until });
  }

  fill(full: boolean): void {
    this.inbox.limit = full ? 0 : this.inbox.capacity;
  }

  #steer(entry: SystemEntry): boolean {
    const { incarnation } = this;
    if (incarnation === undefined || incarnation.over || this.state === 'draining') return false;
    this.#enter(incarnation, entry);
    return true;
  }

  trace(settings: TraceSettings): ActorTrace {
    const tracing = this.#tracing ?? new Tracing<Message>(this, this.incarnation?.receive);
    this.#tracing = tracing;
    return tracing.begin(this.kernel.clock, settings, (receive) => {
      if (this.incarnation !== undefined) this.incarnation.receive = receive;
    });
  }

  find(names: readonly string[]): Child | undefined {
    return names.length === 0 ? this : this.#family?.find(names);
  }

  addWatcher(ref: Ref<never>, notify: (cause: Cause) => void): () => void {
    const ended = ref !== this.ref && (ref.uid !== this.uid || this.incarnation?.over === true);
    if (!this.alive || ended) {
      notify(this.#cause);
      return () => undefined;
    }
    this.#watchers ??= new Watchers();
    return this.#watchers.add(ref, notify);
  }

  childOf(owner: unknown): boolean {
    return this.#owner === owner;
  }

  forget(child: Child, settled: boolean): void {
    this.#family?.remove(child, settled);
  }

  childSettled(child: Child): void {
    this.#family?.settle(child);
  }

  spawn<ChildMessage>(name: string, behavior: Behavior<ChildMessage>, options: SpawnOptions): Ref<ChildMessage> {
    if (this.state === 'draining') throw new WeirError('WEIR_ACTOR_DEAD', { path: this.path });
    const { kernel, path } = this;
    this.#family ??= new Family(path, kernel.tree.branch(this.node), kernel.clock);
    return spawnInto(this.#family, { kernel, owner: this, name, path: `${path}/${name}`, behavior, options });
  }

  receiveTimeout(timeout: ReceiveTimeout<Message> | undefined): void {
    this.inbox.idle = timeout;
  }

  stash(incarnation: Incarnation<Message>, message: Message): TellResult {
    return this.inbox.stash(incarnation, message);
  }

  unstash(incarnation: Incarnation<Message>): void {
    this.inbox.unstash(incarnation);
    if (this.#turns.parked && this.inbox.size > 0) this.#turns.wake();
  }

  backlog(): number {
    const own = this.inbox.queued + (this.incarnation?.stash?.length ?? 0);
    return own + (this.#family?.backlog() ?? 0);
  }

  snapshot(now: number): ActorSnapshot {
    const facts = this.#facts();
    return {
      path: this.path,
      uid: this.uid,
      state: this.state,
      restarts: this.#restarts,
      mailbox: this.inbox.size,
      waitMs: Math.max(0, now - (this.inbox.oldest ?? now)),
      turnMs: Math.max(0, now - (this.#turns.waitingSince ?? now)),
      children: this.#family?.snapshot(now) ?? [],
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      ...(facts === undefined ? {} : { facts }),
    };
  }

  #facts(): Readonly<Record<string, unknown>> | undefined {
    try {
      return this.#options.inspect?.();
    } catch (thrown) {
      // Looking at an actor must not be able to fail because of it.
      return { inspection: messageOf(thrown) };
    }
  }

  get #shutdownMs(): number {
    return this.#options.shutdownMs ?? defaultShutdownMs;
  }
}

/** Starts an actor as the newest child of a family. */
export function spawnInto<Message>(family: Family, setup: Omit<CellSetup<Message>, 'branch'>): Ref<Message> {
  try {
    family.checkName(setup.name, setup.options.besideAbandoned === true);
  } catch (thrown) {
    setup.kernel.events.publish('name-refused', setup.path, undefined, messageOf(thrown));
    throw thrown;
  }
  const cell = new Cell<Message>({ ...setup, branch: family.branch });
  family.add(cell);
  return cell.ref;
}

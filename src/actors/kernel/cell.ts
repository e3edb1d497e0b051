/**
 * A cell: one actor over all its incarnations. Owns its mailbox and lanes, its turns (one at a time, AK1), what happens
 * when one fails, and how it ends. What belongs to a single incarnation is in `incarnation.ts`.
 */
import { ensureError, messageOf, WeirError } from '../../errors/index.ts';
import type { Timer } from '../../ports/index.ts';
import { Context, type Inside } from './context.ts';
import { Deadline } from './deadline.ts';
import { type Child, Family } from './family.ts';
import type { Turnable } from './governor.ts';
import { Incarnation, type SystemEntry } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { Mailbox } from './mailbox.ts';
import type { Branch, NactNode } from './name-tree.ts';
import { judge, logFailure } from './policy.ts';
import { ActorRef, type Addressee } from './ref.ts';
import { type Ending, shutDown } from './shutdown.ts';
import { FiredTimer, type ReceiveTimeout, Timers } from './timers.ts';
import type { ActorSnapshot, Behavior, Cause, Failure, Ref, Signal, SpawnOptions, TellResult } from './types.ts';
import { Watchers } from './watchers.ts';

/** Messages of one turn; then the next cell has its chance. */
const messagesPerTurn = 64;
const defaultCapacity = 10_000;
const defaultShutdownMs = 5_000;

/** Who a cell belongs to: another cell, or the system. */
export interface Owner {
  /** A child failed in a way that its policy hands on. */
  escalated(path: string, error: Error): void;
  /** A child is dead: its name is free. */
  forget(name: string): void;
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

export class Cell<Message> implements Turnable, Child, Addressee, Inside<Message>, Ending, Owner {
  readonly kernel: Kernel;
  readonly name: string;
  readonly path: string;
  readonly ref: ActorRef<Message>;
  readonly capacity: number;
  readonly node: NactNode;
  uid: number;
  listed = false;
  tokenOut = false;
  readonly #owner: Owner;
  readonly #behavior: Behavior<Message>;
  readonly #options: SpawnOptions;
  readonly #mailbox = new Mailbox<Message | FiredTimer<Message>>();
  #state: ActorSnapshot['state'] = 'starting';
  #incarnation: Incarnation<Message> | undefined;
  /** Nothing to do: the next message or system entry asks for a turn. */
  #parked = false;
  /** A synchronous part of a turn is on the stack. */
  #running = false;
  /** A turn waits for its promise. */
  #busy = false;
  /** Number of the last turn that waited; a promise of an older one is late. */
  #turn = 0;
  #turnSince = 0;
  #turnTimer: Timer | undefined;
  #phase = 0;
  #left = 0;
  #timersQueued = 0;
  #restarts = 0;
  #lastFailure: string | undefined;
  #family: Family | undefined;
  #idle: ReceiveTimeout<Message> | undefined;
  #watchers: Watchers | undefined;
  #settled: (() => void)[] | undefined;
  #backoff: Timer | undefined;
  #stopped: Promise<void> | undefined;
  #deadline: Deadline | undefined;
  /** Why the last incarnation ended; in the end, why the actor did. */
  #cause: Cause = { type: 'stopped' };

  constructor({ kernel, owner, branch, name, path, behavior, options }: CellSetup<Message>) {
    this.kernel = kernel;
    this.name = name;
    this.path = path;
    this.capacity = options.capacity ?? defaultCapacity;
    this.uid = kernel.nextUid();
    this.#owner = owner;
    this.#behavior = behavior;
    this.#options = options;
    this.ref = new ActorRef<Message>(this, undefined, (message) => this.#accept(message));
    this.node = kernel.tree.add(branch);
    kernel.governor.ready(this);
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  // ——— Lanes

  #accept(message: Message): TellResult {
    const { letters, totals, governor } = this.kernel;
    if (this.#state === 'draining' || this.#state === 'dead') {
      letters.undeliverable(this.path, this.#state === 'dead' ? 'dead' : 'stopped', message);
      return 'dead';
    }
    if (this.#mailbox.size >= this.capacity) {
      letters.refused(this.path, message);
      return 'full';
    }
    totals.accepted += 1;
    const at = governor.stamp();
    this.#mailbox.push(message, at);
    this.#idle?.touch(at);
    if (this.#parked) this.#wake();
    return 'accepted';
  }

  #fired(timer: FiredTimer<Message>): void {
    this.#timersQueued += 1;
    this.#mailbox.push(timer, this.kernel.governor.stamp());
    if (this.#parked) this.#wake();
  }

  #enter(incarnation: Incarnation<Message>, entry: SystemEntry): void {
    if (incarnation.over) return;
    incarnation.lane ??= [];
    incarnation.lane.push(entry);
    if (this.#parked) this.#wake();
  }

  signal(incarnation: Incarnation<Message>, signal: Signal): void {
    this.#enter(incarnation, { type: 'signal', signal });
  }

  fail(incarnation: Incarnation<Message>, error: Error): void {
    this.#enter(incarnation, { type: 'fail', error });
  }

  #wake(): void {
    this.#parked = false;
    this.kernel.governor.ready(this);
  }

  // ——— Turns

  runTurn(): void {
    // Asked for before it began to wait, to end or to restart: whatever comes next asks again.
    if (this.#busy || (this.#state !== 'live' && this.#state !== 'starting')) return;
    this.#phase = this.kernel.governor.phase;
    this.#left = messagesPerTurn;
    this.#running = true;
    if (this.#state === 'starting') this.#begin();
    this.#drain();
    this.#running = false;
    this.#rest();
  }

  release(): void {
    this.kernel.tree.remove(this.node, this.#family?.branch);
  }

  #begin(): void {
    const incarnation = new Incarnation<Message>(this.uid);
    this.#incarnation = incarnation;
    try {
      const made = this.#behavior(new Context(this, incarnation));
      if (isThenable(made)) {
        this.#follow(incarnation, 'start', made, (receive) => {
          incarnation.receive = receive;
        });
      } else {
        incarnation.receive = made;
        if (this.#state === 'starting') this.#state = 'live';
      }
    } catch (thrown) {
      this.#failed(incarnation, thrown, 'start');
    }
  }

  #drain(): void {
    const incarnation = this.#incarnation;
    const receive = incarnation?.receive;
    if (incarnation === undefined || receive === undefined) return;
    const { governor, totals } = this.kernel;
    const mailbox = this.#mailbox;
    while (this.#state === 'live' && !incarnation.over && !this.#busy) {
      const entry = incarnation.lane?.shift();
      if (entry !== undefined) {
        this.#system(incarnation, entry);
        continue;
      }
      if (mailbox.size === 0 || this.#left === 0 || governor.spent()) return;
      this.#left -= 1;
      const taken = mailbox.shift();
      let message: Message;
      if (this.#timersQueued > 0 && taken instanceof FiredTimer) {
        this.#timersQueued -= 1;
        if (incarnation.timers?.take(taken) !== true) continue;
        totals.accepted += 1;
        message = taken.message;
      } else {
        // Only timers are wrapped, and none is queued.
        message = taken as Message;
      }
      totals.handled += 1;
      try {
        const result = receive.message(message);
        if (result !== undefined && isThenable(result)) this.#follow(incarnation, 'message', result);
      } catch (thrown) {
        this.#failed(incarnation, thrown, 'message');
      }
    }
  }

  #system(incarnation: Incarnation<Message>, entry: SystemEntry): void {
    if (entry.type === 'fail') {
      this.#failed(incarnation, entry.error, 'message');
      return;
    }
    try {
      const result = incarnation.receive?.signal?.(entry.signal);
      if (result !== undefined && isThenable(result)) this.#follow(incarnation, 'signal', result);
    } catch (thrown) {
      this.#failed(incarnation, thrown, 'signal');
    }
  }

  /** The turn waits for `work`; the token goes back to nact meanwhile, and what comes too late has no effect. */
  #follow<Value>(
    incarnation: Incarnation<Message>,
    during: Failure['during'],
    work: PromiseLike<Value>,
    done?: (value: Value) => void,
  ): void {
    this.#busy = true;
    this.#turn += 1;
    const turn = this.#turn;
    this.#turnSince = this.kernel.governor.stamp();
    const { turnDeadlineMs } = this.#options;
    if (turnDeadlineMs !== undefined) {
      this.#turnTimer = this.kernel.clock.after(turnDeadlineMs, () => this.#overdue(incarnation, turnDeadlineMs));
    }
    Promise.resolve(work).then(
      (value) => {
        done?.(value);
        if (turn === this.#turn) this.#resume();
        else incarnation.late(this.#hookFailed);
      },
      (thrown) => {
        if (turn === this.#turn) this.#resume(() => this.#failed(incarnation, thrown, during));
        else {
          this.kernel.logger.debug({ actor: this.path, err: thrown }, 'an abandoned turn failed');
          incarnation.late(this.#hookFailed);
        }
      },
    );
  }

  #resume(failed?: () => void): void {
    this.#turnTimer?.cancel();
    this.#busy = false;
    failed?.();
    if (this.#state === 'starting' && this.#incarnation?.receive !== undefined) this.#state = 'live';
    // Still the same slice: the turn goes on. Otherwise the cell stands in line again.
    if (this.#phase === this.kernel.governor.phase && this.#state === 'live') {
      this.#running = true;
      this.#drain();
      this.#running = false;
    }
    this.#rest();
  }

  #overdue(incarnation: Incarnation<Message>, withinMs: number): void {
    this.#abandon();
    this.#failed(incarnation, new WeirError('WEIR_TURN_DEADLINE', { path: this.path, withinMs }), 'turn-deadline');
    this.#rest();
  }

  #abandon(): void {
    this.#turnTimer?.cancel();
    this.#turn += 1;
    this.#busy = false;
    if (this.#incarnation !== undefined) this.#incarnation.abandoned = true;
  }

  /** After each piece of work: who waits for its end is told, and what is left gets another turn. */
  #rest(): void {
    if (this.#busy || this.#running) return;
    const waiting = this.#settled;
    this.#settled = undefined;
    for (const resolve of waiting ?? []) resolve();
    if (this.#state === 'live') {
      if (this.#mailbox.size > 0 || (this.#incarnation?.lane?.length ?? 0) > 0) this.#wake();
      else this.#parked = true;
    } else if (this.#state === 'starting') this.#wake();
  }

  // ——— Failure

  #failed(incarnation: Incarnation<Message>, thrown: unknown, during: Failure['during']): void {
    const failure: Failure = { ref: this.ref, error: ensureError(thrown), during };
    this.#lastFailure = failure.error.message;
    if (this.#state === 'draining' || incarnation.over) {
      // It ends already; a failure cannot make it end twice, but nobody may miss it.
      logFailure(this.kernel.logger, failure, { type: 'stop' });
      return;
    }
    const { decision, error } = judge(failure, this.#options.onFailure);
    logFailure(this.kernel.logger, failure, decision);
    const cause: Cause = { type: 'failed', error };
    if (decision.type === 'restart') this.#restart(incarnation, decision.delayMs, cause);
    else void this.stop(cause);
    if (decision.type === 'escalate') this.#owner.escalated(this.path, error);
  }

  escalated(path: string, error: Error): void {
    const incarnation = this.#incarnation;
    if (incarnation !== undefined) this.fail(incarnation, new WeirError('WEIR_ESCALATED', { path }, error));
  }

  #restart(incarnation: Incarnation<Message>, delayMs: number, cause: Cause): void {
    this.#state = 'restarting';
    this.#parked = false;
    this.#restarts += 1;
    this.#cause = cause;
    this.#end(incarnation);
    if (!incarnation.hasHook && (this.#family?.size ?? 0) === 0) this.#again(delayMs);
    else void this.#restartLater(incarnation, delayMs, cause);
  }

  async #restartLater(incarnation: Incarnation<Message>, delayMs: number, cause: Cause): Promise<void> {
    await this.#family?.stop({ type: 'stopped' });
    const deadline = new Deadline(this.kernel.clock, this.#shutdownMs);
    await deadline.within(incarnation.end(cause, this.#hookFailed));
    deadline.cancel();
    this.#again(delayMs);
  }

  #again(delayMs: number): void {
    if (this.#state !== 'restarting') return;
    const { uid } = this;
    this.#watchers?.tell(this.#cause, (ref) => ref !== this.ref && ref.uid === uid);
    const start = (): void => {
      this.#state = 'starting';
      this.uid = this.kernel.nextUid();
      this.#incarnation = undefined;
      // Even without a delay the next incarnation waits for its turn: a start that always fails starves nobody.
      this.#wake();
    };
    if (delayMs > 0) this.#backoff = this.kernel.clock.after(delayMs, start);
    else start();
  }

  /** Ends what belongs to the incarnation. Stashed messages were accepted: they go back, in front of the others. */
  #end(incarnation: Incarnation<Message>): void {
    this.unstash(incarnation);
    this.#idle = undefined;
    incarnation.close();
  }

  readonly #hookFailed = (thrown: unknown): void => {
    this.kernel.logger.error({ actor: this.path, err: thrown }, 'an actor failed while it ended');
  };

  // ——— The end

  stop(cause: Cause): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    this.#state = 'draining';
    this.#parked = false;
    this.#cause = cause;
    this.#backoff?.cancel();
    const nothingToAwait =
      !this.#running && !this.#busy && (this.#family?.size ?? 0) === 0 && this.#incarnation?.hasHook !== true;
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
    if (!this.#running && !this.#busy) return undefined;
    return new Promise((resolve) => {
      this.#settled ??= [];
      this.#settled.push(resolve);
    });
  }

  abandon(): void {
    this.#abandon();
    const { error } = this.#cause;
    this.#cause = error === undefined ? { type: 'abandoned' } : { type: 'abandoned', error };
  }

  close(): void {
    if (this.#incarnation !== undefined) this.#end(this.#incarnation);
  }

  family(): Family | undefined {
    return this.#family;
  }

  runHook(): Promise<void> {
    return this.#incarnation?.end(this.#cause, this.#hookFailed) ?? Promise.resolve();
  }

  #die(): Promise<void> {
    this.close();
    this.#state = 'dead';
    this.#incarnation = undefined;
    while (this.#mailbox.size > 0) {
      const taken = this.#mailbox.shift();
      if (!(taken instanceof FiredTimer)) this.kernel.letters.dropped(this.path, 'stopped', taken);
    }
    this.#timersQueued = 0;
    // A token that is out comes back to this node, so the node goes only then.
    if (!this.tokenOut) this.release();
    this.#owner.forget(this.name);
    this.#watchers?.tell(this.#cause, () => true);
    this.#watchers = undefined;
    return Promise.resolve();
  }

  addWatcher(ref: Ref<never>, notify: (cause: Cause) => void): () => void {
    const ended = ref !== this.ref && (ref.uid !== this.uid || this.#incarnation?.over === true);
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

  forget(name: string): void {
    this.#family?.remove(name);
  }

  // ——— What an incarnation asks of its cell

  selfOf(incarnation: Incarnation<Message>): ActorRef<Message> {
    incarnation.self ??= new ActorRef<Message>(this, incarnation.uid, (message) => {
      if (!incarnation.over || !this.alive) return this.#accept(message);
      this.kernel.letters.undeliverable(this.path, 'stale', message);
      return 'dead';
    });
    return incarnation.self;
  }

  timersOf(incarnation: Incarnation<Message>): Timers<Message> {
    incarnation.timers ??= new Timers<Message>({
      clock: this.kernel.clock,
      deliver: (timer) => this.#fired(timer),
      resting: () => this.#parked,
    });
    return incarnation.timers;
  }

  receiveTimeout(incarnation: Incarnation<Message>, delayMs: number | undefined, message: Message): void {
    this.#idle = this.timersOf(incarnation).receiveTimeout(delayMs, message);
  }

  spawn<ChildMessage>(name: string, behavior: Behavior<ChildMessage>, options: SpawnOptions): Ref<ChildMessage> {
    if (this.#state === 'draining') throw new WeirError('WEIR_ACTOR_DEAD', { path: this.path });
    const { kernel, path } = this;
    this.#family ??= new Family(path, kernel.tree.branch(this.node), kernel.clock);
    return spawnInto(this.#family, { kernel, owner: this, name, path: `${path}/${name}`, behavior, options });
  }

  stash(incarnation: Incarnation<Message>, message: Message): TellResult {
    const { letters, totals } = this.kernel;
    if (incarnation.over) {
      letters.undeliverable(this.path, this.alive ? 'stale' : 'dead', message);
      return 'dead';
    }
    incarnation.stash ??= [];
    if (incarnation.stash.length >= this.capacity) {
      letters.refused(this.path, message);
      return 'full';
    }
    // The stash takes it as a mailbox would: it will be handled once more.
    totals.accepted += 1;
    incarnation.stash.push(message);
    return 'accepted';
  }

  unstash(incarnation: Incarnation<Message>): void {
    const { stash } = incarnation;
    if (stash === undefined || incarnation.over) return;
    incarnation.stash = undefined;
    const at = this.kernel.governor.stamp();
    for (const message of stash.reverse()) this.#mailbox.unshift(message, at);
    if (this.#parked && this.#mailbox.size > 0) this.#wake();
  }

  // ——— Inspection

  backlog(): number {
    const own = this.#mailbox.size - this.#timersQueued + (this.#incarnation?.stash?.length ?? 0);
    return own + (this.#family?.backlog() ?? 0);
  }

  snapshot(now: number): ActorSnapshot {
    const facts = this.#facts();
    return {
      path: this.path,
      uid: this.uid,
      state: this.#state,
      restarts: this.#restarts,
      mailbox: this.#mailbox.size,
      waitMs: Math.max(0, now - (this.#mailbox.oldest() ?? now)),
      turnMs: this.#busy ? Math.max(0, now - this.#turnSince) : 0,
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
  family.checkName(setup.name);
  const cell = new Cell<Message>({ ...setup, branch: family.branch });
  family.add(cell);
  return cell.ref;
}

function isThenable<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

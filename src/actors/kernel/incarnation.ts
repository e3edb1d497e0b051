/**
 * One incarnation of an actor: its behaviour's result and everything that must end with it - abort signal, timers,
 * stash, watches, system lane. Once it is over, nothing it left behind has any effect (AK4).
 */
import type { Asked } from './asked.ts';
import type { ActorRef } from './ref.ts';
import type { Timers } from './timers.ts';
import type { Cause, Failure, Receive, Ref, Signal } from './types.ts';

/** What goes before all user messages, is never refused and never outlives its incarnation. */
export type SystemEntry =
  | { readonly type: 'signal'; readonly signal: Signal }
  | { readonly type: 'fail'; readonly error: Error; readonly during: Failure['during'] }
  /** A turn that does nothing until then; only a test or an operator asks for one. */
  | { readonly type: 'hang'; readonly until: Promise<void> };

/** Why its signal is aborted: what `abort()` would make anew each time, with a stack that says nothing. */
const isOver = new DOMException('This operation was aborted', 'AbortError');

/** Who hears of the hook. */
export interface EndHooks {
  hookFailed(thrown: unknown): void;
  hookEnded(incarnation: { readonly ending: boolean }): void;
}

export class Incarnation<Message> {
  readonly uid: number;
  receive: Receive<Message> | undefined;
  /** No turn of this incarnation counts any more. */
  over = false;
  /** Its running turn was given up and may still be running somewhere. */
  abandoned = false;
  // Most actors need none of the following, so each is made when it is asked for.
  lane: SystemEntry[] | undefined;
  stash: (Message | Asked<Message>)[] | undefined;
  timers: Timers<Message> | undefined;
  self: ActorRef<Message> | undefined;
  #abort: AbortController | undefined;
  #watches: Map<Ref<never>, () => void> | undefined;
  /** Its hook runs. */
  ending = false;
  #ended: Promise<void> | undefined;

  constructor(uid: number) {
    this.uid = uid;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.over) this.#abort.abort(isOver);
    return this.#abort.signal;
  }

  /** Begins a watch, unless `ref` is watched already; `begin` gives how to take it back. */
  watch(ref: Ref<never>, begin: () => () => void): void {
    this.#watches ??= new Map();
    if (this.#watches.has(ref)) return;
    this.#watches.set(ref, () => undefined);
    const takeBack = begin();
    // A dead actor's end is told within `begin`: then nothing is watched any more.
    if (this.#watches.has(ref)) this.#watches.set(ref, takeBack);
  }

  /** The end of `ref` has been told; it may be watched again. */
  watched(ref: Ref<never>): void {
    this.#watches?.delete(ref);
  }

  unwatch(ref: Ref<never>): void {
    this.#watches?.get(ref)?.();
    this.#watches?.delete(ref);
    this.lane = this.lane?.filter((entry) => entry.type !== 'signal' || entry.signal.ref !== ref);
  }

  /** Ends everything that belongs to it. The hook runs apart from this, see `end`. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.lane = undefined;
    this.timers?.close();
    for (const unwatch of this.#watches?.values() ?? []) unwatch();
    this.#watches = undefined;
    this.#abort?.abort(isOver);
  }

  /** Whether something has to be run, or is running, before this incarnation has ended. */
  get hasHook(): boolean {
    return !this.abandoned && this.receive?.ended !== undefined;
  }

  /**
   * Runs the hook, once. After an abandoned turn it does not run here but in `late`: the turn may still be running, and
   * an actor does one thing at a time.
   */
  end(cause: Cause, hooks: EndHooks): Promise<void> {
    if (this.abandoned) return Promise.resolve();
    this.#ended ??= this.#run(cause, hooks);
    return this.#ended;
  }

  /** The abandoned turn has settled after all: now the hook can run. */
  late(hooks: EndHooks): void {
    if (!this.abandoned) return;
    this.#ended ??= this.#run({ type: 'abandoned' }, hooks);
  }

  async #run(cause: Cause, hooks: EndHooks): Promise<void> {
    this.ending = true;
    try {
      await this.receive?.ended?.(cause);
    } catch (thrown) {
      // The incarnation is over: there is nothing left that this failure could restart.
      hooks.hookFailed(thrown);
    }
    this.ending = false;
    hooks.hookEnded(this);
  }
}

/** What a supervisor knows of one child, over all its incarnations. */
import type { Ref } from '../actors/kernel/index.ts';
import type { RestartBudget } from './budget.ts';
import type { ChildAnswer } from './messages.ts';
import type { ChildSpec, Restart, Strategy } from './spec.ts';
import type { ChildState, ChildStatus } from './status.ts';

/** A start that somebody asked for and is told the outcome of. */
export interface StartRequest {
  readonly replyTo: Ref<ChildAnswer>;
  /** What the child is again if its start fails; `undefined`: it was added for this and is forgotten. */
  readonly before: 'down' | 'stopped' | undefined;
}

export interface Child {
  readonly spec: ChildSpec;
  /** Its place in the order of start. */
  readonly position: number;
  /** Whether the specification lists it; otherwise a message has started it. */
  readonly listed: boolean;
  state: ChildState;
  budget: RestartBudget;
  restarts: number;
  lastFailure: Error | undefined;
  /** The incarnation that failed last. */
  failedUid: number | undefined;
  /** The failure that its policy was asked about last has used up its budget. */
  exhausted: boolean;
  ref: Ref<never> | undefined;
  /** It must end: to start anew, even if what it stood on has returned meanwhile, or for good. */
  leaving: 'to-return' | 'for-good' | undefined;
  starting: StartRequest | undefined;
  /** Who waits for its end. */
  readonly terminating: Ref<ChildAnswer>[];
}

export function newChild(
  spec: ChildSpec,
  at: { readonly position: number; readonly listed: boolean },
  budget: RestartBudget,
): Child {
  return {
    spec,
    ...at,
    state: 'waiting',
    budget,
    restarts: 0,
    lastFailure: undefined,
    failedUid: undefined,
    exhausted: false,
    ref: undefined,
    leaving: undefined,
    starting: undefined,
    terminating: [],
  };
}

export function restartOf({ spec: { restart = 'permanent' } }: Child): Restart {
  return restart;
}

/** Whether it has an actor, or gets one without anybody's doing. */
export function runs({ state }: Child): boolean {
  return state === 'starting' || state === 'ready' || state === 'backoff';
}

/** Whether others can stand on it. */
export function isReady({ state, leaving }: Child): boolean {
  return state === 'ready' && leaving === undefined;
}

/** Whether it is over: only a message starts it again. */
export function isOver({ state }: Child): boolean {
  return state === 'down' || state === 'stopped';
}

/** Whether nothing is kept of it once it is over. */
export function isForgotten(child: Child, strategy: Strategy): boolean {
  return !child.listed && (strategy === 'simple-one-for-one' || restartOf(child) === 'temporary');
}

export function statusOf(child: Child, waitsOn: readonly string[], lacks: readonly string[]): ChildStatus {
  const { spec, state, restarts, lastFailure, ref, failedUid } = child;
  // After a failure the kernel begins the next incarnation by itself; its uid shows that it has.
  const again = state === 'backoff' && ref !== undefined && ref.uid !== failedUid;
  return {
    id: spec.id,
    state: again ? 'starting' : state,
    waitsOn,
    restarts,
    ...(lastFailure === undefined ? {} : { lastFailure: lastFailure.message }),
    ...(lacks.length === 0 ? {} : { lacks }),
  };
}

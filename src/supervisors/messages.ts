/** What a supervisor can be told and asked, and how it answers. */
import type { Ref } from '../actors/kernel/index.ts';
import type { WeirError } from '../errors/index.ts';
import type { ChildSpec } from './spec.ts';
import type { ChildStatus } from './status.ts';

/** The answer to a message about one child. */
export type ChildAnswer =
  /** Done; `ref` is the child's address if it runs. */
  | { readonly type: 'done'; readonly child: ChildStatus; readonly ref?: Ref<never> }
  /** Nothing has changed, or the child's start has failed: see the error's code. */
  | { readonly type: 'refused'; readonly error: WeirError };

/** Acts on the children of a running supervisor. */
export type ChildRequest =
  /**
   * Adds a child, last in start order, and starts it. Answered when it is ready, or waits for what it needs. If it fails
   * before it is ready it is forgotten: whether to try again is for who asked. A restart of the supervisor forgets it too.
   * Refused with `WEIR_CHILD_EXISTS`, `WEIR_SUPERVISION_INVALID`, `WEIR_CHILD_NOT_STARTED`.
   */
  | { readonly type: 'start-child'; readonly child: ChildSpec; readonly replyTo: Ref<ChildAnswer> }
  /**
   * Stops a child for good, after those that need it; answered when it has ended. It stays known, and stopped, but for a
   * temporary one that a message had started. Refused with `WEIR_CHILD_UNKNOWN`.
   */
  | { readonly type: 'terminate-child'; readonly id: string; readonly replyTo: Ref<ChildAnswer> }
  /**
   * Starts a child again that is down or stopped, with a new budget; answered as `start-child` is. If it fails before it
   * is ready it is what it was. Refused with `WEIR_CHILD_UNKNOWN`, `WEIR_CHILD_RUNS`, `WEIR_CHILD_NOT_STARTED`.
   */
  | { readonly type: 'restart-child'; readonly id: string; readonly replyTo: Ref<ChildAnswer> }
  /** Forgets a child that is down or stopped. Refused with `WEIR_CHILD_UNKNOWN`, `WEIR_CHILD_RUNS`, `WEIR_CHILD_NEEDED`. */
  | { readonly type: 'delete-child'; readonly id: string; readonly replyTo: Ref<ChildAnswer> };

export type SupervisorMessage =
  | { readonly type: 'status'; readonly replyTo: Ref<readonly ChildStatus[]> }
  | ChildRequest
  /** Of the supervisor to itself: something has happened that it has noted already. */
  | { readonly type: 'look' }
  /** Of the supervisor to itself: a restart is due. */
  | { readonly type: 'again'; readonly id: string };

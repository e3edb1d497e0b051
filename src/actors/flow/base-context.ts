/** What every piece of flow code may do, in a stage or in a subflow. Everything that is not deterministic comes from here. */
import type { ZodType } from 'zod';
import type { Duration, Identity, Logger } from '../../ports/index.ts';
import type { Operation } from './operation.ts';
import type { ActorHandle, ActorMessageTypes, PersistentActor } from './persistent-actor.ts';
import type { InitiatorSession } from './session.ts';
import type { Protocol } from './session-protocol.ts';
import type { StepBody, StepOptions } from './step.ts';

export interface BaseContext {
  readonly flowId: string;
  /** The member that runs the flow. */
  readonly member: Identity;
  /** Fields first, then a sentence: `log.info({ order }, 'shipped')`. Silent while a stage is replayed. */
  readonly log: Logger;
  /**
   * One effect: `body` runs after everything before it is durable, and its result is durable before the flow goes on.
   * The body may run again after a crash (`info.id` stays the same); its recorded result is used once.
   * What it returns must be plain data (dates, maps, sets, bytes and bigints too) of at most half a record, 512 KiB.
   * A `TransientError`, and an error that says that the network is down or slow, is tried again by policy; any other
   * error is thrown here as a `FlowError` of the same name, code and message, and can be caught. No operation of the
   * context may be used inside a body.
   */
  step<T>(name: string, body: StepBody<T>, options?: StepOptions): Operation<T>;
  /** A durable sleep. */
  sleep(duration: Duration): Operation<void>;
  /**
   * The session of this flow with `peer` (a name means one in the member's own group); opened at first use, the same
   * one when asked for again, in later stages too. `name` tells several with one peer apart.
   */
  session<Q extends Protocol>(
    peer: Identity | string,
    protocol: Q,
    options?: { readonly name?: string },
  ): Operation<InitiatorSession<Q>>;
  /** A persistent actor of this flow's member. */
  actor<State extends ZodType, Messages extends ActorMessageTypes>(
    definition: PersistentActor<State, Messages>,
    key: string,
  ): ActorHandle<Messages>;
  /**
   * Tells whoever watches the flow how far it has come; it leaves with the flow's next checkpoint, in order. The newest
   * 20 are kept. `details` is plain data of at most 8 KiB.
   */
  progress(text: string, details?: unknown): Operation<void>;
  /** The time, the same at every replay. */
  now(): Operation<Date>;
  /** A number in [0, 1) that is the same at every replay. Not for secrets. */
  random(): number;
  /** A UUID (version 8) that is the same at every replay. */
  uuid(): string;
}

/**
 * How a flow is written: its states, its stages, what it answers to. Types of input, state, messages and result follow
 * from the schemas; zod is the one place for types, validation and codec.
 */
import type { input, output, ZodType } from 'zod';
import { WeirError } from '../../errors/index.ts';
import type { Duration, Identity, Logger } from '../../ports/index.ts';
import type { Op, Operation } from './operation.ts';
import type { ActorHandle, ActorMessageTypes, PersistentActor } from './persistent-actor.ts';
import type { InitiatorSession, ResponderSession } from './session.ts';
import type { MessageTypes, Protocol } from './session-protocol.ts';
import type { RetryPolicy, StepBody, StepOptions } from './step.ts';

/** Stage name to schema of its state; `start` is the input. */
export type States = Readonly<Record<string, ZodType>> & { readonly start: ZodType };

/** The flow goes on in another stage: a snapshot is taken, the journal of this one is dropped. */
export interface Become {
  readonly outcome: 'become';
  readonly stage: string;
  readonly state: unknown;
}

/** The flow ends as FAILED. */
export interface Failed {
  readonly outcome: 'failed';
  readonly code: string;
  readonly details: unknown;
}

/** What a stage may do. Everything that is not deterministic comes from here. */
export interface FlowContext<S extends States = States, P extends Protocol | undefined = Protocol | undefined> {
  readonly flowId: string;
  /** The member that runs the flow. */
  readonly member: Identity;
  /** Silent while a stage is replayed. */
  readonly log: Logger;
  /** The session that started this flow; for flows that declare `responds`. */
  readonly initiator: P extends Protocol ? ResponderSession<P> : undefined;
  /**
   * One effect: `body` runs after everything before it is durable, and its result is durable before the flow goes on.
   * The body may run again after a crash (`info.id` stays the same); its recorded result is used once.
   * A `TransientError` is retried by policy; any other error is thrown here and can be caught.
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
  /** The time, the same at every replay. */
  now(): Operation<Date>;
  /** A number in [0, 1) that is the same at every replay. Not for secrets. */
  random(): number;
  /** A UUID (version 8) that is the same at every replay. */
  uuid(): string;
  /** `return become('stage', state)`: goes on in that stage. @throws WeirError `WEIR_FLOW_STATE_INVALID` */
  become<Stage extends keyof S & string>(stage: Stage, state: input<S[Stage]>): Become;
  /** `return failed('declined', details)`: ends the flow as FAILED; open sessions are told. */
  failed(code: string, details?: unknown): Failed;
}

/** What a stage may return: the next stage, a failure, or the result; without a result schema any value is kept. */
export type StageOutcome<Result extends ZodType | undefined> = Result extends ZodType
  ? Become | Failed | input<Result>
  : unknown;

export type Stage<State, S extends States, Result extends ZodType | undefined, P extends Protocol | undefined> = (
  state: State,
  context: FlowContext<S, P>,
) => Generator<Op, StageOutcome<Result>, unknown>;

export interface FlowOptions<S extends States, Result extends ZodType | undefined, P extends Protocol | undefined> {
  readonly version: number;
  readonly states: S;
  /** Schema of what the flow returns; none when it returns nothing. */
  readonly result?: Result;
  /** The protocol whose sessions start this flow at the peer's request. */
  readonly responds?: P;
  /** How transient failures of steps are tried again; each step may override it. */
  readonly retry?: RetryPolicy;
  readonly stages: { readonly [Name in keyof S & string]: Stage<output<S[Name]>, S, Result, P> };
}

/** A flow as the engine sees it, whatever its types. */
export interface FlowDefinition<Input = never, Result = unknown> {
  readonly name: string;
  readonly version: number;
  readonly states: States;
  readonly result: ZodType | undefined;
  readonly responds: Protocol | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly stages: Readonly<Record<string, UntypedStage>>;
  /** Types only; never there at run time. */
  readonly types?: { readonly input: (value: Input) => void; readonly result: Result };
}

export type UntypedStage = (state: unknown, context: FlowContext) => Generator<Op, unknown, unknown>;

/** Any flow. */
export type AnyFlow = FlowDefinition<never, unknown>;

/**
 * Declares a flow.
 * @param name unique among the flows of a member
 * @throws WeirError `WEIR_FLOW_DEFINITION` when a stage has no state, a state no stage, or the version is not a positive
 *   whole number
 */
export function flow<
  const S extends States,
  Result extends ZodType | undefined = undefined,
  P extends Protocol<MessageTypes, MessageTypes> | undefined = undefined,
>(
  name: string,
  options: FlowOptions<S, Result, P>,
): FlowDefinition<input<S['start']>, Result extends ZodType ? output<Result> : undefined> {
  const { version, states, result, responds, retry } = options;
  const stages: Record<string, UntypedStage> = {};
  if (!Number.isInteger(version) || version < 1) refuse(name, `version ${version} is not a positive whole number`);
  for (const stage of Object.keys(states)) {
    const code: unknown = Reflect.get(options.stages, stage);
    if (typeof code !== 'function') refuse(name, `the state "${stage}" has no stage`);
    // Types meet here once: the engine hands a stage the state of its own schema, and nothing else.
    stages[stage] = code as UntypedStage;
  }
  for (const stage of Object.keys(options.stages)) {
    if (!(stage in states)) refuse(name, `the stage "${stage}" has no state`);
  }
  return { name, version, states, result, responds, retry, stages };
}

function refuse(name: string, why: string): never {
  throw new WeirError('WEIR_FLOW_DEFINITION', { name, why });
}

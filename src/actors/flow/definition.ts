/**
 * How a flow is written: its states, its stages, what it answers to. Types of input, state, messages and result follow
 * from the schemas; zod is the one place for types, validation and codec.
 */
import type { input, output, ZodType } from 'zod';
import { messageOf, WeirError } from '../../errors/index.ts';
import { type Duration, toMs } from '../../ports/index.ts';
import type { StageRequest } from './operation.ts';
import type { Become, Failed } from './outcome.ts';
import type { ResponderSession } from './session.ts';
import type { MessageTypes, Protocol } from './session-protocol.ts';
import type { Queries, SignalContext, UntypedQueries } from './signal.ts';
import { type RetryPolicy, retryTimes } from './step.ts';
import type { SubflowContext } from './subflow.ts';

/** Stage name to schema of its state; `start` is the input. */
export type States = Readonly<Record<string, ZodType>> & { readonly start: ZodType };

/** What a stage may do. */
export interface FlowContext<
  S extends States = States,
  P extends Protocol | undefined = Protocol | undefined,
  Sig extends MessageTypes = MessageTypes,
> extends SubflowContext,
    SignalContext<Sig> {
  /** The session that started this flow; for flows that declare `responds`. */
  readonly initiator: P extends Protocol ? ResponderSession<P> : undefined;
  /** `return become('stage', state)`: goes on in that stage. @throws WeirError `WEIR_FLOW_STATE_INVALID` */
  become<Stage extends keyof S & string>(stage: Stage, state: input<S[Stage]>): Become;
  /** `return failed('declined', details)`: ends the flow as FAILED; open sessions are told. */
  failed(code: string, details?: unknown): Failed;
}

/** What a stage may return: the next stage, a failure, or the result; nothing else where no result is declared. */
export type StageOutcome<Result extends ZodType | undefined> =
  | Become
  | Failed
  // biome-ignore lint/suspicious/noConfusingVoidType: a generator that returns nothing has the return type void
  | (Result extends ZodType ? input<Result> : undefined | void);

export type Stage<
  State,
  S extends States,
  Result extends ZodType | undefined,
  P extends Protocol | undefined,
  Sig extends MessageTypes = MessageTypes,
> = (state: State, context: FlowContext<S, P, Sig>) => Generator<StageRequest, StageOutcome<Result>, unknown>;

/** What `migrate` gives: a stage, if it is another one now, and its state. */
export type Migrated<S extends States> =
  | { readonly [Name in keyof S & string]: { readonly stage: Name; readonly state: input<S[Name]> } }[keyof S & string]
  | { readonly stage?: undefined; readonly state: input<S[keyof S & string]> };

/** What a flow gives in the end. */
type ResultOf<Result extends ZodType | undefined> = Result extends ZodType ? output<Result> : undefined;

export interface FlowOptions<
  S extends States,
  Result extends ZodType | undefined,
  P extends Protocol | undefined,
  Sig extends MessageTypes,
> {
  /** A positive whole number; raise it with every change. */
  readonly version: number;
  /**
   * Definitions of older versions. A flow that is in the middle of a stage of one of them ends that stage on the code
   * that began it; from the next stage on it is of this version. Without its definition here it goes on with the new
   * code if that asks for all that was done in the stage, in the same order; else it is STUCK
   * (`WEIR_FLOW_INCOMPATIBLE`). Default none.
   */
  readonly previous?: ReadonlyArray<FlowDefinition<never, ResultOf<NoInfer<Result>>>>;
  /**
   * Lifts the state of an older version, where a stage begins: `from` is that version, `stage` and `state` are what it
   * had. A version in `previous` that has its own `migrate` comes in between. It must have no effects. Default: states
   * stay as they are, and the schema of their stage has to accept them (`WEIR_FLOW_NOT_LIFTED`).
   */
  readonly migrate?: (from: number, stage: string, state: unknown) => Migrated<NoInfer<S>>;
  /** The schema of each stage's state; `start` is the input. A flow that answers gets `{ from: Identity }` there. */
  readonly states: S;
  /** Schema of what the flow returns; none when it returns nothing. */
  readonly result?: Result;
  /** The protocol whose sessions start this flow at the peer's request. */
  readonly responds?: P;
  /** What the flow may be told from outside while it runs: name to schema. The stage reads it with `signal`. */
  readonly signals?: Sig;
  /** What the flow may be asked from outside: answered from its stage and state, without running its code. */
  readonly queries?: Queries<S>;
  /** How transient failures of steps are tried again; each step may override it. */
  readonly retry?: RetryPolicy;
  /**
   * How long the flow may wait for somebody (a message, a signal, an answer without a deadline of its own) while nothing
   * happens. Then it is cancelled: its cleanup runs, and it ends as FAILED with `WEIR_FLOW_EXPIRED`. Default: for ever.
   */
  readonly idle?: Duration;
  /** The code of each stage, a generator: `*start(state, context) { ... }`. Flows begin in `start`. */
  readonly stages: { readonly [Name in keyof S & string]: Stage<output<S[Name]>, S, Result, P, Sig> };
}

/** A flow as the engine sees it, whatever its types. */
export interface FlowDefinition<Input = never, Result = unknown, Sig extends MessageTypes = MessageTypes> {
  readonly name: string;
  readonly version: number;
  readonly states: States;
  readonly result: ZodType | undefined;
  readonly responds: Protocol | undefined;
  readonly signals: Sig;
  readonly queries: UntypedQueries;
  readonly retry: RetryPolicy | undefined;
  /** In milliseconds; 0 for ever. */
  readonly idleMs: number;
  readonly stages: Readonly<Record<string, UntypedStage>>;
  /** Older versions, those of older versions among them, the oldest first. */
  readonly previous: readonly AnyFlow[];
  readonly migrate: UntypedMigrate | undefined;
  /** Types only; never there at run time. */
  readonly types?: { readonly input: (value: Input) => void; readonly result: Result };
}

export type UntypedStage = (state: unknown, context: FlowContext) => Generator<StageRequest, unknown, unknown>;

export type UntypedMigrate = (
  from: number,
  stage: string,
  state: unknown,
) => { readonly stage?: string | undefined; readonly state: unknown };

/** Any flow. */
export type AnyFlow = FlowDefinition<never, unknown>;

/**
 * Declares a flow.
 * @param name unique among the flows of a member
 * @throws WeirError `WEIR_FLOW_DEFINITION` when a stage has no state, a state no stage, the version is not a positive
 *   whole number, or `previous` holds anything but older versions of this flow, each once
 */
export function flow<
  const S extends States,
  Result extends ZodType | undefined = undefined,
  P extends Protocol<MessageTypes, MessageTypes> | undefined = undefined,
  const Sig extends MessageTypes = Readonly<Record<never, ZodType>>,
>(name: string, options: FlowOptions<S, Result, P, Sig>): FlowDefinition<input<S['start']>, ResultOf<Result>, Sig> {
  const { version, states, result, responds, retry, migrate, queries = {} } = options;
  // Without any the type says that there are none.
  const signals = options.signals ?? ({} as Sig);
  const stages: Record<string, UntypedStage> = {};
  if (typeof name !== 'string' || name === '') refuse(String(name), 'its name is empty');
  if (!Number.isInteger(version) || version < 1) refuse(name, `version ${version} is not a positive whole number`);
  for (const stage of Object.keys(states)) {
    const code: unknown = Reflect.get(options.stages, stage);
    if (typeof code !== 'function') refuse(name, `the state "${stage}" has no stage`);
    if (/^\[object Async/.test(Object.prototype.toString.call(code))) {
      refuse(name, `the stage "${stage}" is async: write "*${stage}(...)", and put what awaits into a step`);
    }
    // Types meet here once: the engine hands a stage the state of its own schema, and nothing else.
    stages[stage] = code as UntypedStage;
  }
  let idleMs = 0;
  try {
    retryTimes(retry);
    if (options.idle !== undefined) idleMs = toMs(options.idle);
  } catch (error) {
    refuse(name, messageOf(error));
  }
  for (const stage of Object.keys(options.stages)) {
    if (!(stage in states)) refuse(name, `the stage "${stage}" has no state`);
  }
  for (const signal of Object.keys(signals)) {
    // What signal() gives when time is up bears this name.
    if (signal === 'timedOut' || signal === '') refuse(name, `no signal may be called "${signal}"`);
  }
  for (const [query, answer] of Object.entries(queries)) {
    if (typeof answer !== 'function') refuse(name, `the query "${query}" is no function of stage and state`);
  }
  // Types meet here once: a query is given the state of the stage that it is told.
  const untyped = queries as UntypedQueries;
  if (migrate !== undefined && typeof migrate !== 'function')
    refuse(name, `migrate is ${typeof migrate}, not a function`);
  const previous = olderVersions(name, version, options.previous ?? []);
  return {
    name,
    version,
    states,
    result,
    responds,
    signals,
    queries: untyped,
    retry,
    idleMs,
    stages,
    previous,
    migrate,
  };
}

function olderVersions(name: string, version: number, given: readonly AnyFlow[]): readonly AnyFlow[] {
  const all = new Set(given.flatMap((one) => [one, ...(one.previous ?? [])]));
  const versions = new Set<number>();
  for (const one of all) {
    if (one.name !== name) refuse(name, `previous holds another flow, ${one.name}`);
    if (one.version >= version) refuse(name, `previous holds version ${one.version}, which is not older`);
    if (versions.has(one.version)) refuse(name, `previous holds two definitions of version ${one.version}`);
    versions.add(one.version);
  }
  return [...all].sort((a, b) => a.version - b.version);
}

function refuse(name: string, why: string): never {
  throw new WeirError('WEIR_FLOW_DEFINITION', { name, why });
}

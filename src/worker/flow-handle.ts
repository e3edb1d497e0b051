/** Ways to flows, typed by their definitions: what programs that embed a node are given. */
import type { AnyFlow, FlowDefinition } from '../actors/flow/index.ts';
import { ApplicationError } from '../actors/flow/index.ts';
import type { FlowView } from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import type { Duration } from '../ports/index.ts';
import type { FlowName } from './flow-query.ts';
import type { WatchOptions } from './watch.ts';

export interface StartOptions {
  /** Names the request: the same id and input give the same flow. Default: a new random id, so a new flow. */
  readonly clientRequestId?: string;
  /** Id of the trace that the start belongs to (W3C: 32 hex digits); the lines that the flow logs carry it. */
  readonly trace?: string;
}

export interface ResultOptions {
  /**
   * How long to wait, by the clock of the node; a flow that ends earlier is told of at once. Default 1 minute.
   * Under a clock that a test moves nothing moves it while you wait: use `run` of the test node instead.
   */
  readonly within?: Duration;
}

/** What a flow takes, as its clients give it: `InputOf<typeof buy>`. */
export type InputOf<Flow extends AnyFlow> = Flow extends FlowDefinition<infer Input, unknown> ? Input : never;

/** What a flow returns: `ResultOf<typeof buy>`. */
export type ResultOf<Flow extends AnyFlow> = Flow extends FlowDefinition<never, infer Result> ? Result : never;

/** A way to a flow, with the type of its result. */
export interface FlowHandle<Result> {
  /** Name of the flow's definition. */
  readonly flow: string;
  /** What the flow is asked for by: it names the flow on another node over the same data, too. */
  readonly name: FlowName;
  /**
   * What the flow returned; waits for it.
   * @throws ApplicationError with the flow's own code, message and details when it FAILED or was KILLED;
   *   WeirError `WEIR_FLOW_UNFINISHED` when it is STUCK, or still running after `within`; `WEIR_FLOW_NOT_FOUND`,
   *   `WEIR_REQUEST_NOT_FOUND`, `WEIR_DURATION_INVALID`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`;
   *   `WEIR_REQUEST_INVALID` when the handle was made for a flow of another kind
   */
  result(options?: ResultOptions): Promise<Result>;
  /**
   * The flow as it stands.
   * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`
   */
  view(): Promise<FlowView>;
  /**
   * The flow as it is, and again whenever that changes, until it has ended.
   * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`
   */
  watch(options?: Pick<WatchOptions, 'signal'>): AsyncIterable<FlowView>;
}

/** A flow that was started here. */
export interface StartedFlow<Result> extends FlowHandle<Result> {
  readonly flowId: string;
  /** False when an earlier request with the same id had started it. */
  readonly created: boolean;
}

/**
 * What a flow returned, or its error thrown.
 * @throws ApplicationError, WeirError `WEIR_FLOW_UNFINISHED`, `WEIR_REQUEST_INVALID`
 */
export function resultOf<Result>(flow: string, view: FlowView): Result {
  const { flowId, status } = view;
  if (view.flow !== flow) {
    throw new WeirError('WEIR_REQUEST_INVALID', { why: `flow ${flowId} is of kind ${view.flow}, not ${flow}` });
  }
  // The flow's own schema has checked what it returned.
  if (status === 'COMPLETED') return view.result as Result;
  const { code = status, message = '', details } = view.error ?? {};
  if (status === 'FAILED' || status === 'KILLED') throw new ApplicationError(code, message, details);
  throw new WeirError('WEIR_FLOW_UNFINISHED', { flowId, status, ...(message === '' ? {} : { why: `: ${message}` }) });
}

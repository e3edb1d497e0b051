/** Weir: long-lived business flows between organisations, as persistent actors. This is the public API. */
export type {
  ActorEffects,
  ActorHandle,
  ActorMessageType,
  ActorMessageTypes,
  ActorScope,
  AnyActor,
  AnyFlow,
  Become,
  Failed,
  FlowContext,
  FlowDefinition,
  FlowOptions,
  InitiatorSession,
  MessageTypes,
  Operation,
  PersistentActor,
  Protocol,
  Received,
  ResponderSession,
  RetryPolicy,
  Session,
  Stage,
  StageOutcome,
  States,
  StepBody,
  StepInfo,
  StepOptions,
  TimedOut,
} from './actors/flow/index.ts';
export { ApplicationError, FlowError, flow, persistentActor, protocol, TransientError } from './actors/flow/index.ts';
export type { FlowName, FlowPage, FlowQuery, FlowView } from './actors/rpc/index.ts';
export type { ErrorCode } from './errors/index.ts';
export { WeirError } from './errors/index.ts';
export type { Authority, Authorize, Duration, Identity, Logger, Principal } from './ports/index.ts';
export { pinoLogger, silentLogger } from './ports/index.ts';
export type {
  FlowHandle,
  HttpOptions,
  MemberOptions,
  Members,
  Node,
  NodeSettings,
  NodeStatus,
  ResultOptions,
  StartedNode,
  StartNodeSettings,
  StartOptions,
} from './worker/index.ts';
export { startNode } from './worker/index.ts';

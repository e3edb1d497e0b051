/**
 * Weir: long-lived business flows between organisations, as persistent actors. This is the public API.
 * @module weir
 */
export type {
  ActorEffects,
  ActorHandle,
  ActorMessageType,
  ActorMessageTypes,
  ActorScope,
  AllOptions,
  AllResults,
  AnswerTo,
  AnyActor,
  AnyFlow,
  Become,
  Branches,
  Compensate,
  Failed,
  FlowContext,
  FlowDefinition,
  FlowOptions,
  FlowPlace,
  InitiatorSession,
  MessageTypes,
  Migrated,
  Operation,
  PersistentActor,
  ProgressReport,
  Protocol,
  ProtocolOptions,
  RaceResult,
  Received,
  ReceivedFrom,
  ResponderSession,
  RetryPolicy,
  Session,
  Stage,
  StageOutcome,
  StageRequest,
  States,
  StepBody,
  StepInfo,
  StepOptions,
  Subflow,
  SubflowContext,
  Task,
  TimedOut,
} from './actors/flow/index.ts';
export {
  ApplicationError,
  FlowError,
  flow,
  persistentActor,
  protocol,
  subflow,
  TransientError,
} from './actors/flow/index.ts';
export type { FailedOperation, FlowDescription, Signalled, WaitingOn } from './actors/flow/protocol.ts';
export type { ActorSnapshot } from './actors/kernel/index.ts';
export type {
  AuditChain,
  AuditEntry,
  AuditPage,
  AuditStretch,
  FlowPage,
  FlowView,
  HospitalCase,
  HospitalPage,
  Treated,
} from './actors/rpc/index.ts';
export type { ShardPhase, ShardStatus } from './actors/shard/index.ts';
export type { ErrorCode, ErrorContext } from './errors/index.ts';
export { WeirError } from './errors/index.ts';
export type { AuditValue, ChainPoint, FailureRecord, FaultRecord, FlowStatus } from './persistence/index.ts';
export type {
  Action,
  Authorize,
  Clock,
  Duration,
  Identity,
  LogFields,
  Logger,
  LogLevel,
  LogSink,
  MemberName,
  PinoLoggerSettings,
  Principal,
  Resource,
  Timer,
} from './ports/index.ts';
export { pinoLogger, silentLogger, toMs } from './ports/index.ts';
export type { ChildState, ChildStatus } from './supervisors/index.ts';
export type { KafkaConnection, LogHealth } from './transport/log/index.ts';
export type {
  AuditQuery,
  ChaosOptions,
  Client,
  FlowChange,
  FlowHandle,
  FlowName,
  FlowQuery,
  HttpOptions,
  InputOf,
  MemberOptions,
  Members,
  Node,
  NodeSettings,
  NodeStatus,
  ResultOf,
  ResultOptions,
  StartedFlow,
  StartedNode,
  StartNodeSettings,
  StartOptions,
  StuckFlows,
  StuckQuery,
  StuckTarget,
  WatchOptions,
  WatchQuery,
} from './worker/index.ts';
export { startNode } from './worker/index.ts';

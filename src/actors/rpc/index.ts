/** The RPC service: how clients and operators reach flows. */

export type { FlowCatalogue } from './flow-catalogue.ts';
export type {
  Address,
  ClusterDesk,
  ErrorDesk,
  ErrorPage,
  ErrorQuery,
  ErrorSeverity,
  FigureDesk,
  HttpMessage,
  HttpSetup,
  KeptError,
  NodeFacts,
  Noting,
  PlacedShard,
  ReportedError,
  WorkerStanding,
} from './http/index.ts';
export { checkAddress, httpBehavior } from './http/index.ts';
export type {
  ActorAnswer,
  AuditChain,
  AuditEntry,
  AuditPage,
  AuditQuery,
  AuditStretch,
  FeedCursor,
  FeedPage,
  FeedQuery,
  FlowName,
  FlowPage,
  FlowQuery,
  FlowView,
  HospitalCase,
  HospitalFilter,
  HospitalPage,
  QueryAnswer,
  RpcAnswer,
  RpcMessage,
  RpcRequest,
  Treated,
  Treatment,
} from './protocol.ts';
export type { RpcSetup } from './rpc.ts';
export { rpcBehavior, shardAnswerMs } from './rpc.ts';
export { Unanswered } from './unanswered.ts';

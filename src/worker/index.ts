/** A worker: what a process is made of. */

export { CheckpointReader } from '../actors/flow/index.ts';
export { openKafkaUndertaker } from '../transport/log/index.ts';
export type { AuditQuery } from './audit-client.ts';
export type { ChaosOptions } from './chaos.ts';
export type { Client } from './client.ts';
export {
  Cluster,
  clusterTopics,
  decodeOrder,
  drainKey,
  heartbeatService,
  isProposal,
  notedWithinMs,
} from './cluster/index.ts';
export type { JudgedFlow } from './compat.ts';
export { flowJudge } from './compat.ts';
export type { Configuration, ConfigurationSources } from './configuration/index.ts';
export { loadConfiguration, loadMembers } from './configuration/index.ts';
export { starter } from './configured.ts';
export type { AclRole, Finding } from './doctor/index.ts';
export { aclCommands, aclRoles, checkup, kafkaNames } from './doctor/index.ts';
export { deathReporter, decodeError, errorTopic, nodeErrors } from './errors/index.ts';
export type { FlowHandle, InputOf, ResultOf, ResultOptions, StartedFlow, StartOptions } from './flow-handle.ts';
export { resultOf } from './flow-handle.ts';
export type { FlowName, FlowQuery } from './flow-query.ts';
export type { StuckFlows, StuckQuery, StuckTarget } from './hospital-client.ts';
export type { HttpOptions } from './http-service.ts';
export { createNode } from './node.ts';
export type { ExtraServices, Node, NodeFaults, NodePorts, NodeStatus } from './node-parts.ts';
export type { MemberOptions, Members, NodeSettings } from './node-settings.ts';
export type { OfflineLog, Totals } from './offline/index.ts';
export {
  adoptLog,
  exportLog,
  importLog,
  openOffline,
  readLogFile,
  reshardLog,
  unfinishedFlows,
} from './offline/index.ts';
export type { ParentEvent } from './parent/index.ts';
export { forkWorker, type WorkerReport, workerOptions, workersParent } from './parent/index.ts';
export { reportFailure, reportFatalErrors } from './reports.ts';
export type { Placement, Role } from './roles.ts';
export type { ServiceDescriptor, WorkerContext } from './service.ts';
export type { StartedNode, StartNodeSettings } from './start-node.ts';
export { startNode } from './start-node.ts';
export type { FlowChange, WatchOptions, WatchQuery } from './watch.ts';

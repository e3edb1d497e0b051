/** The workers of one node: what each tells of itself, and what operators ask of them. */
export { Cluster, notedWithinMs, workerGroups } from './cluster.ts';
export type { SilentWorker } from './directory.ts';
export { heartbeatService } from './heartbeat-service.ts';
export { clusterAccess, clusterTopicSpecs, clusterTopics, decodeOrder, drainKey, isProposal } from './records.ts';

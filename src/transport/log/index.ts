export type { Finding } from './checkup.ts';
export { counted, found, well } from './checkup.ts';
export type { EmbeddedLogSettings, OpenStore, Store } from './embedded/index.ts';
export {
  directoryCheckup,
  embeddedCheckup,
  openEmbeddedLog,
  openEmbeddedOffline,
  openLevelStore,
  partitionPrefix,
} from './embedded/index.ts';
export { forwardingClaim, forwardingLog } from './forwarding.ts';
export type {
  KafkaConnection,
  KafkaLog,
  KafkaModelCluster,
  KafkaModelClusterSetup,
  KafkaNames,
  KafkaWire,
} from './kafka/index.ts';
export {
  kafkaModelCluster,
  kafkaNames,
  openKafkaCheckup,
  openKafkaLog,
  openKafkaOffline,
  openKafkaUndertaker,
  WireFailure,
} from './kafka/index.ts';
export type { AppendInfo, CommitInfo, Fate, Faults, MemoryCluster, MemoryClusterSetup } from './memory/index.ts';
export { memoryCluster } from './memory/index.ts';
export { meteredLog } from './metered.ts';
export type { LogStage, OfflineLog } from './offline.ts';
export type {
  AssignmentListener,
  Claim,
  CommitBatch,
  Log,
  LogHealth,
  LogLimits,
  LogRecord,
  Membership,
  Publication,
  ReadOptions,
  ShardId,
  StatePreview,
  StoredRecord,
  Table,
  Tail,
  TailReceiver,
  TailRecord,
  Term,
  TopicName,
  TopicSpec,
} from './port.ts';
export { defaultLimits, newerTerm } from './rules.ts';

export type { EmbeddedLogSettings, OpenStore, Store } from './embedded/index.ts';
export { openEmbeddedLog, openLevelStore, partitionPrefix } from './embedded/index.ts';
export type { KafkaWire } from './kafka/wire.ts';
export { WireFailure } from './kafka/wire.ts';
export type { AppendInfo, CommitInfo, Fate, Faults, MemoryCluster, MemoryClusterSetup } from './memory/index.ts';
export { memoryCluster } from './memory/index.ts';
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
  ShardId,
  Table,
  Tail,
  TailReceiver,
  TailRecord,
  Term,
  TopicName,
  TopicSpec,
} from './port.ts';

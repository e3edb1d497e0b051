export type { EmbeddedLogSettings } from './embedded/index.ts';
export { openEmbeddedLog } from './embedded/index.ts';
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

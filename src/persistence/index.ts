export type { AuditFacts, AuditRecord, AuditValue, ChainAnchor, ChainPoint } from './audit.ts';
export { auditHash, auditRecord, chainAnchor, chainPoint, chainStart, entryHash, hex } from './audit.ts';
export { ChainCheck } from './audit-check.ts';
export type { RecordCodec } from './avro.ts';
export { recordCodec } from './avro.ts';
export type { AvroSchema } from './avro-schema.ts';
export type {
  ActorHead,
  ActRecord,
  FaultRecord,
  FlowHead,
  FlowStatus,
  JournalEntry,
  MarkRecord,
  ProgressRecord,
  SessionCause,
  SessionRecord,
  ShardRecord,
  Stand,
  StatusRecord,
  UnreadRecord,
} from './checkpoint.ts';
export {
  actorHead,
  flowHead,
  flowStatuses,
  isTerminal,
  journalEntry,
  sessionCauses,
  shardRecord,
  statusRecord,
  unreadRecord,
} from './checkpoint.ts';
export type { FailureRecord } from './failure-record.ts';
export { withFailure } from './failure-record.ts';
export { bytes, choice, count, optionalFault, small, text } from './fields.ts';
export * from './sql/index.ts';
export { canonicalBytes, decodeValue, encodeValue } from './value-codec.ts';

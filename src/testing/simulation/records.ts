/** Records decoded once for all who watch: they are shared, and decoding is most of what watching costs. */
import { actorMessage } from '../../actors/flow/protocol.ts';
import { sessionMessage } from '../../actors/session-manager/index.ts';
import {
  auditRecord,
  chainAnchor,
  chainPoint,
  flowHead,
  journalEntry,
  type RecordCodec,
  shardRecord,
  statusRecord,
} from '../../persistence/index.ts';
import { rememberSome } from './remember.ts';

/** The record in an envelope. @throws WeirError `WEIR_RECORD_UNREADABLE` */
export type Decode<Value> = (bytes: Uint8Array) => Readonly<Value>;

export const headOf = decodeOnce(flowHead);
export const journalEntryOf = decodeOnce(journalEntry);
export const statusOf = decodeOnce(statusRecord);
export const auditEntryOf = decodeOnce(auditRecord);
export const chainAnchorOf = decodeOnce(chainAnchor);
export const chainPointOf = decodeOnce(chainPoint);
export const shardRecordOf = decodeOnce(shardRecord);
export const sessionMessageOf = decodeOnce(sessionMessage);
export const actorMessageOf = decodeOnce(actorMessage);

/** Whether a record of a shard is the head of a flow, by its key. */
export function isFlowHead(key: string): boolean {
  return key.startsWith('c/') && !key.startsWith('c/@');
}

function decodeOnce<Value extends object>(codec: RecordCodec<Value>): Decode<Value> {
  return rememberSome((bytes) => codec.decode(bytes));
}

/**
 * What a commit writes, sorted by kind and with its keys taken apart: once, for all invariants that ask.
 *
 * Owns the way from keys to their parts; values are decoded by whoever needs them, through `records.ts`.
 */
import { flowTopics, isAuditAnchor } from '../../actors/flow/protocol.ts';
import { decodeCount } from '../../actors/shard/index.ts';
import type { CommitBatch, ShardId } from '../../transport/log/index.ts';
import { isFlowHead } from './records.ts';
import { rememberSome } from './remember.ts';

/** A record of one flow; `value` is null where it is removed. */
interface FlowRecord {
  readonly flowId: string;
  readonly value: Uint8Array | null;
}

/** `j/<flow>/<visit>/<n>` */
export interface JournalRecord extends FlowRecord {
  readonly key: string;
  readonly visit: number;
  readonly place: number;
}

/** `o/<receiver>/<n>` of the stream from one shard to another. */
export interface StreamRecord {
  readonly receiver: number;
  readonly number: number;
  readonly value: Uint8Array | null;
}

export interface CommitContents {
  readonly heads: readonly FlowRecord[];
  /** What is published of flows. */
  readonly statuses: readonly FlowRecord[];
  /** What is published of the audit; without a number it is the anchor. */
  readonly audit: ReadonlyArray<{ readonly number: number | undefined; readonly value: Uint8Array | null }>;
  /** The newest entry of the audit, as the shard keeps it: `a/head`. */
  readonly chainHead: Uint8Array | undefined;
  readonly journal: readonly JournalRecord[];
  /** Messages received and not yet read: `i/<flow>/<n>`. */
  readonly unread: ReadonlyArray<FlowRecord & { readonly place: number }>;
  readonly stream: readonly StreamRecord[];
  /** Messages of sessions: `o/<session ...>/<n>`. */
  readonly sessions: ReadonlyArray<{ readonly key: string; readonly value: Uint8Array | null }>;
  /** Last numbers taken from other shards: `w/<sender>`. */
  readonly marks: ReadonlyArray<{ readonly sender: number; readonly taken: number }>;
  /** The position in `events[p]`: `w/log`. */
  readonly position: number | undefined;
  /** What the shard knows of itself. */
  readonly shard: Uint8Array | undefined;
}

const partition = /^\d{1,5}$/;

export const contentsOf: (batch: CommitBatch) => CommitContents = rememberSome(read);

/** The name of a shard among all that a world has. */
export function shardName(node: string, { topic, partition: number }: ShardId): string {
  return `${node}/${topic}/${number}`;
}

/** Of an entry of the audit; undefined for the anchor of its chain. */
function numberOf(key: string): number | undefined {
  return isAuditAnchor(key) ? undefined : Number(key.slice(key.indexOf('/') + 1));
}

function read({ records, publications }: CommitBatch): CommitContents {
  const heads: FlowRecord[] = [];
  const statuses: FlowRecord[] = [];
  const audit: Array<{ number: number | undefined; value: Uint8Array | null }> = [];
  let chainHead: Uint8Array | undefined;
  const journal: JournalRecord[] = [];
  const unread: Array<FlowRecord & { place: number }> = [];
  const stream: StreamRecord[] = [];
  const sessions: Array<{ key: string; value: Uint8Array | null }> = [];
  const marks: Array<{ sender: number; taken: number }> = [];
  let position: number | undefined;
  let shard: Uint8Array | undefined;
  for (const { key, value } of records) {
    const parts = key.split('/');
    const [kind, name = '', number = '', place = ''] = parts;
    switch (kind) {
      case 'c':
        if (isFlowHead(key)) heads.push({ flowId: name, value });
        break;
      case 'j':
        journal.push({ key, flowId: name, visit: Number(number), place: Number(place), value });
        break;
      case 'i':
        unread.push({ flowId: name, place: Number(number), value });
        break;
      case 'o':
        if (partition.test(name)) stream.push({ receiver: Number(name), number: Number(number), value });
        else sessions.push({ key, value });
        break;
      case 'w':
        if (value === null) break;
        if (name === 'log') position = decodeCount(value);
        else marks.push({ sender: Number(name), taken: decodeCount(value) });
        break;
      case 'a':
        if (name === 'head' && value !== null) chainHead = value;
        break;
      case 'shard':
        if (value !== null) shard = value;
    }
  }
  for (const { topic, key, value } of publications) {
    if (topic === flowTopics.status) statuses.push({ flowId: key, value });
    else if (topic === flowTopics.audit) audit.push({ number: numberOf(key), value });
  }
  return { heads, statuses, audit, chainHead, journal, unread, stream, sessions, marks, position, shard };
}

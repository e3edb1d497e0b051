/**
 * What a commit writes, sorted by kind and with its keys taken apart: once, for all invariants that ask.
 *
 * Owns the way from keys to their parts, and from what is asked of often to its values.
 */
import { configurationKey, signalSession } from '../../actors/flow/index.ts';
import { flowTopics, isAuditAnchor } from '../../actors/flow/protocol.ts';
import { decodeCount } from '../../actors/shard/index.ts';
import {
  type FlowHead,
  flowHead,
  type ShardRecord,
  type StatusRecord,
  shardRecord,
  statusRecord,
  unreadRecord,
} from '../../persistence/index.ts';
import type { CommitBatch, ShardId } from '../../transport/log/index.ts';

/** A record that says what a flow is: read when somebody asks first, for all who ask. */
export class FlowRecord<Value> {
  readonly flowId: string;
  readonly #bytes: Uint8Array | null;
  readonly #decode: (bytes: Uint8Array) => Value;
  #value: Value | undefined;

  constructor(flowId: string, bytes: Uint8Array | null, decode: (bytes: Uint8Array) => Value) {
    this.flowId = flowId;
    this.#bytes = bytes;
    this.#decode = decode;
  }

  /** Whether the record is removed. */
  get removed(): boolean {
    return this.#bytes === null;
  }

  /** Undefined where it is removed. @throws WeirError `WEIR_RECORD_UNREADABLE` */
  get value(): Value | undefined {
    if (this.#bytes !== null) this.#value ??= this.#decode(this.#bytes);
    return this.#value;
  }
}

/** `j/<flow>/<visit>/<n>` */
export interface JournalRecord {
  readonly key: string;
  readonly flowId: string;
  readonly visit: number;
  readonly place: number;
  /** Null where it is removed. */
  readonly value: Uint8Array | null;
}

/** `i/<flow>/<n>`: what is kept there from now on, if anything is. */
export interface UnreadChange {
  readonly flowId: string;
  readonly place: number;
  readonly kept: 'message' | 'signal' | undefined;
}

/** `o/<receiver>/<n>` of the stream from one shard to another. */
export interface StreamRecord {
  readonly receiver: number;
  readonly number: number;
  readonly value: Uint8Array | null;
}

export interface CommitContents {
  readonly heads: ReadonlyArray<FlowRecord<FlowHead>>;
  /** What is published of flows. */
  readonly statuses: ReadonlyArray<FlowRecord<StatusRecord>>;
  /** What is published of the audit; without a number it is the anchor. */
  readonly audit: ReadonlyArray<{ readonly number: number | undefined; readonly value: Uint8Array | null }>;
  /** The newest entry of the audit, as the shard keeps it: `a/head`. */
  readonly chainHead: Uint8Array | undefined;
  /** What the shard is run with from now on. */
  readonly configuration: Uint8Array | undefined;
  readonly journal: readonly JournalRecord[];
  /** Messages received and not yet read: `i/<flow>/<n>`. */
  readonly unread: readonly UnreadChange[];
  /** Flows that were given a signal, once for each. */
  readonly signalled: readonly string[];
  readonly stream: readonly StreamRecord[];
  /** Messages of sessions: `o/<session ...>/<n>`. */
  readonly sessions: ReadonlyArray<{ readonly key: string; readonly value: Uint8Array | null }>;
  /** Last numbers taken from other shards: `w/<sender>`. */
  readonly marks: ReadonlyArray<{ readonly sender: number; readonly taken: number }>;
  /** The position in `events[p]`: `w/log`. */
  readonly position: number | undefined;
  /** What the shard knows of itself. */
  readonly shard: ShardRecord | undefined;
}

function unreadKind(bytes: Uint8Array): 'message' | 'signal' {
  return unreadRecord.decode(bytes).session === signalSession ? 'signal' : 'message';
}

/** `o/<receiver>/<n>`; the outbox of a session has its name there. */
const betweenShards = /^o\/(\d{1,5})\/(\d+)$/;

/** The name of a shard among all that a world has. */
export function shardName(node: string, { topic, partition: number }: ShardId): string {
  return `${node}/${topic}/${number}`;
}

/** Of an entry of the audit; undefined for the anchor of its chain. */
function numberOf(key: string): number | undefined {
  return isAuditAnchor(key) ? undefined : Number(key.slice(key.indexOf('/') + 1));
}

export function contentsOf({ records, publications }: CommitBatch): CommitContents {
  const heads: Array<FlowRecord<FlowHead>> = [];
  const statuses: Array<FlowRecord<StatusRecord>> = [];
  const audit: Array<{ number: number | undefined; value: Uint8Array | null }> = [];
  let chainHead: Uint8Array | undefined;
  let configuration: Uint8Array | undefined;
  const journal: JournalRecord[] = [];
  const unread: UnreadChange[] = [];
  const signalled: string[] = [];
  const stream: StreamRecord[] = [];
  const sessions: Array<{ key: string; value: Uint8Array | null }> = [];
  const marks: Array<{ sender: number; taken: number }> = [];
  let position: number | undefined;
  let shard: ShardRecord | undefined;
  for (const { key, value } of records) {
    // Its first letter says what it is; most are not asked of, or have one part: few have to be taken apart.
    switch (key[0]) {
      case 'c':
        if (key[2] !== '@') heads.push(new FlowRecord(key.slice(2), value, flowHead.decode));
        break;
      case 'j': {
        const [, flowId = '', visit, place] = key.split('/');
        journal.push({ key, flowId, visit: Number(visit), place: Number(place), value });
        break;
      }
      case 'i': {
        const [, flowId = '', place] = key.split('/');
        unread.push({ flowId, place: Number(place), kept: value === null ? undefined : unreadKind(value) });
        break;
      }
      case 'g':
        if (value !== null) signalled.push(key.split('/')[1] ?? '');
        break;
      case 'o': {
        const between = betweenShards.exec(key);
        if (between === null) sessions.push({ key, value });
        else stream.push({ receiver: Number(between[1]), number: Number(between[2]), value });
        break;
      }
      case 'w':
        if (value === null) break;
        if (key === 'w/log') position = decodeCount(value);
        else marks.push({ sender: Number(key.slice(2)), taken: decodeCount(value) });
        break;
      case 'a':
        if (key === 'a/head' && value !== null) chainHead = value;
        break;
      case 'n':
        if (key === configurationKey && value !== null) configuration = value;
        break;
      case 's':
        if (key === 'shard' && value !== null) shard = shardRecord.decode(value);
    }
  }
  for (const { topic, key, value } of publications) {
    if (topic === flowTopics.status) statuses.push(new FlowRecord(key, value, statusRecord.decode));
    else if (topic === flowTopics.audit) audit.push({ number: numberOf(key), value });
  }
  // biome-ignore format: what belongs together
  return {
    heads, statuses, audit, chainHead, configuration, journal,
    unread, signalled, stream, sessions, marks, position, shard,
  };
}

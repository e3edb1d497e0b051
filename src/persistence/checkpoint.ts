/**
 * The records of a shard's state, as they lie in the log. Changing one of them needs a migration: see
 * docs/decisions/records.md, which holds the table of keys.
 *
 * Fields that hold a developer's values are bytes of the value codec; everything else is Avro, so that a newer version
 * can add a field with a default.
 */
import { recordCodec } from './avro.ts';

const namespace = 'weir.state';

export const flowStatuses = ['RUNNING', 'STUCK', 'COMPLETED', 'FAILED', 'KILLED'] as const;
export type FlowStatus = (typeof flowStatuses)[number];

/** RUNNING and STUCK can change; the other three never do (RP10). */
export function isTerminal(status: FlowStatus): boolean {
  return status !== 'RUNNING' && status !== 'STUCK';
}

/** An error as it is kept: enough to show it, and to throw it again in replay. */
export interface FaultRecord {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** Value-codec bytes of the error's `details`, or empty. */
  readonly details: Uint8Array;
  /** Where it came from, for an operator; empty when there is no stack. */
  readonly stack: string;
  /** What can be done about it; empty when nobody knows. */
  readonly remedy: string;
  /** Stage, operation and line of code; empty when it did not come from a flow. */
  readonly at: string;
}

const fault = {
  type: 'record',
  name: 'Fault',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'message', type: 'string' },
    { name: 'details', type: 'bytes' },
    { name: 'stack', type: 'string' },
    { name: 'remedy', type: 'string' },
    { name: 'at', type: 'string' },
  ],
};

/** One end of a session, kept in its flow's head. Numbers count messages of one direction, from 1. */
export interface SessionRecord {
  readonly id: string;
  /** Distinguishes several sessions of one flow with the same peer and protocol. */
  readonly name: string;
  readonly role: 'initiator' | 'responder';
  readonly protocol: string;
  readonly version: number;
  readonly peerName: string;
  readonly peerGroup: string;
  /** Number of the last message sent. */
  sent: number;
  /** Number of the last message taken, in order, from the peer. */
  received: number;
  /** Number of the last message that the flow has read. */
  consumed: number;
  /** Own end: `closed` once nothing more will be sent. */
  status: 'open' | 'closed';
  /** The peer's end: what its last word was. */
  peer: 'open' | 'closed' | 'failed';
  /** The peer's reason, when `peer` is `failed`. */
  peerError: string;
}

const session = {
  type: 'record',
  name: 'Session',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'role', type: { type: 'enum', name: 'Role', symbols: ['initiator', 'responder'] } },
    { name: 'protocol', type: 'string' },
    { name: 'version', type: 'int' },
    { name: 'peerName', type: 'string' },
    { name: 'peerGroup', type: 'string' },
    { name: 'sent', type: 'long' },
    { name: 'received', type: 'long' },
    { name: 'consumed', type: 'long' },
    { name: 'status', type: { type: 'enum', name: 'OwnEnd', symbols: ['open', 'closed'] } },
    { name: 'peer', type: { type: 'enum', name: 'PeerEnd', symbols: ['open', 'closed', 'failed'] } },
    { name: 'peerError', type: 'string' },
  ],
};

/** An operator's or client's act on a flow: who, when, what and why (SM5). */
export interface ActRecord {
  readonly at: number;
  readonly act: string;
  readonly principal: string;
  readonly reason: string;
}

const act = {
  type: 'record',
  name: 'Act',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'act', type: 'string' },
    { name: 'principal', type: 'string' },
    { name: 'reason', type: 'string' },
  ],
};

/** `c/<flow>`: the head of a flow. */
export interface FlowHead {
  readonly flow: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly clientRequestId: string;
  /** Hash of the canonical input, by which a second start with the same request id is compared. */
  readonly inputHash: string;
  readonly trace: string;
  readonly created: number;
  status: FlowStatus;
  updated: number;
  stage: string;
  visit: number;
  state: Uint8Array;
  sessions: SessionRecord[];
  /** Number for the next unread message. */
  nextInbox: number;
  /** Raised by each operator's retry, so that a repeated request gets an id of its own. */
  retries: number;
  acts: ActRecord[];
  /** Why the flow is STUCK, or how it FAILED. */
  fault: FaultRecord | null;
  /** Journal place of the operation whose error nobody caught, which a retry performs again; -1 when there is none. */
  faultEntry: number;
}

export const flowHead = recordCodec<FlowHead>(
  {
    type: 'record',
    name: 'FlowHead',
    namespace,
    fields: [
      { name: 'flow', type: 'string' },
      { name: 'version', type: 'int' },
      { name: 'memberName', type: 'string' },
      { name: 'memberGroup', type: 'string' },
      { name: 'clientRequestId', type: 'string' },
      { name: 'inputHash', type: 'string' },
      { name: 'trace', type: 'string' },
      { name: 'created', type: 'long' },
      { name: 'status', type: { type: 'enum', name: 'FlowStatus', symbols: [...flowStatuses] } },
      { name: 'updated', type: 'long' },
      { name: 'stage', type: 'string' },
      { name: 'visit', type: 'int' },
      { name: 'state', type: 'bytes' },
      { name: 'sessions', type: { type: 'array', items: session } },
      { name: 'nextInbox', type: 'long' },
      { name: 'retries', type: 'int' },
      { name: 'acts', type: { type: 'array', items: act } },
      { name: 'fault', type: ['null', fault] },
      { name: 'faultEntry', type: 'int' },
    ],
  },
  'flow head',
);

/** `j/<flow>/<visit>/<n>`: one operation of the running visit. */
export interface JournalEntry {
  /** What kind of operation it was; compared at replay. */
  readonly op: string;
  /** Name given by the flow: the step's name, the message's type. Compared at replay. */
  readonly label: string;
  readonly state: 'open' | 'done' | 'failed';
  /** Value-codec bytes of the result when done; empty otherwise. */
  readonly value: Uint8Array;
  readonly fault: FaultRecord | null;
  /** When an open operation times out or is tried again, in milliseconds since 1970; 0 for never. */
  readonly due: number;
  /** Failed attempts so far. */
  readonly attempts: number;
}

export const journalEntry = recordCodec<JournalEntry>(
  {
    type: 'record',
    name: 'JournalEntry',
    namespace,
    fields: [
      { name: 'op', type: 'string' },
      { name: 'label', type: 'string' },
      { name: 'state', type: { type: 'enum', name: 'EntryState', symbols: ['open', 'done', 'failed'] } },
      { name: 'value', type: 'bytes' },
      { name: 'fault', type: ['null', fault] },
      { name: 'due', type: 'long' },
      { name: 'attempts', type: 'int' },
    ],
  },
  'journal entry',
);

/** `i/<flow>/<n>`: a session message that was received and not yet read. */
export interface UnreadRecord {
  readonly session: string;
  readonly number: number;
  readonly type: string;
  readonly body: Uint8Array;
}

export const unreadRecord = recordCodec<UnreadRecord>(
  {
    type: 'record',
    name: 'Unread',
    namespace,
    fields: [
      { name: 'session', type: 'string' },
      { name: 'number', type: 'long' },
      { name: 'type', type: 'string' },
      { name: 'body', type: 'bytes' },
    ],
  },
  'unread message',
);

/** `c/<actor>`: the state of a persistent actor. */
export interface ActorHead {
  readonly actor: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly key: string;
  readonly state: Uint8Array;
  readonly updated: number;
}

export const actorHead = recordCodec<ActorHead>(
  {
    type: 'record',
    name: 'ActorHead',
    namespace,
    fields: [
      { name: 'actor', type: 'string' },
      { name: 'version', type: 'int' },
      { name: 'memberName', type: 'string' },
      { name: 'memberGroup', type: 'string' },
      { name: 'key', type: 'string' },
      { name: 'state', type: 'bytes' },
      { name: 'updated', type: 'long' },
    ],
  },
  'actor head',
);

/** `shard`: what the shard knows of itself. */
export interface ShardRecord {
  readonly partitions: number;
  /** Number of the commit that wrote it; grows by one with each. */
  readonly commit: number;
  /** The last owner drained the shard and let it go; false after an unclean end. */
  readonly released: boolean;
}

export const shardRecord = recordCodec<ShardRecord>(
  {
    type: 'record',
    name: 'Shard',
    namespace,
    fields: [
      { name: 'partitions', type: 'int' },
      { name: 'commit', type: 'long' },
      { name: 'released', type: 'boolean' },
    ],
  },
  'shard',
);

/** A value of topic `flow.status`, keyed by flow id: what the world may know of a flow. */
export interface StatusRecord {
  readonly flow: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly clientRequestId: string;
  readonly inputHash: string;
  readonly trace: string;
  readonly status: FlowStatus;
  readonly stage: string;
  readonly created: number;
  readonly updated: number;
  readonly startedBy: string;
  /** Value-codec bytes of the result when COMPLETED; empty otherwise. */
  readonly result: Uint8Array;
  readonly fault: FaultRecord | null;
  readonly acts: readonly ActRecord[];
}

export const statusRecord = recordCodec<StatusRecord>(
  {
    type: 'record',
    name: 'Status',
    namespace,
    fields: [
      { name: 'flow', type: 'string' },
      { name: 'version', type: 'int' },
      { name: 'memberName', type: 'string' },
      { name: 'memberGroup', type: 'string' },
      { name: 'clientRequestId', type: 'string' },
      { name: 'inputHash', type: 'string' },
      { name: 'trace', type: 'string' },
      { name: 'status', type: { type: 'enum', name: 'FlowStatus', symbols: [...flowStatuses] } },
      { name: 'stage', type: 'string' },
      { name: 'created', type: 'long' },
      { name: 'updated', type: 'long' },
      { name: 'startedBy', type: 'string' },
      { name: 'result', type: 'bytes' },
      { name: 'fault', type: ['null', fault] },
      { name: 'acts', type: { type: 'array', items: act } },
    ],
  },
  'flow status',
);

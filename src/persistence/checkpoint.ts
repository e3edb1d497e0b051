/**
 * The records of a shard's state, as they lie in the log. Changing one of them needs a migration: see
 * docs/decisions/records.md, which holds the table of keys.
 *
 * Fields that hold a developer's values are bytes of the value codec; everything else is Avro, so that a newer version
 * can add a field with a default.
 */
import { recordCodec } from './avro.ts';
import type { AvroField, AvroSchema } from './avro-schema.ts';
import { type FailureRecord, failures } from './failure-record.ts';
import { bytes, choice, count, optionalFault, small, text } from './fields.ts';

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
  /** The reason, when `peer` is `failed`: the peer's, or this node's own. */
  peerError: string;
  /** What kind of failure it was, when `peer` is `failed`. */
  cause: SessionCause;
  /** The peer's flow takes nothing more, whatever it may still say. */
  refused: boolean;
  /** When a message was sent or taken last, in milliseconds since 1970; 0 where an older version wrote the record. */
  active: number;
  /** How long it may be silent before it has failed, in milliseconds; 0 for as long as the node says. */
  readonly idle: number;
  /** Its flow ends only when the peer has closed, too. */
  readonly requireClose: boolean;
}

/**
 * How a session came to fail: the peer's flow has failed, or cannot be reached; nothing was said for too long, or the
 * peer has forgotten it; nobody answers its protocol.
 */
export const sessionCauses = ['failed', 'expired', 'unanswered'] as const;
export type SessionCause = (typeof sessionCauses)[number];

const firstSession = {
  type: 'record',
  name: 'Session',
  fields: [
    text('id'),
    text('name'),
    choice('role', 'Role', ['initiator', 'responder']),
    text('protocol'),
    small('version'),
    text('peerName'),
    text('peerGroup'),
    count('sent'),
    count('received'),
    count('consumed'),
    choice('status', 'OwnEnd', ['open', 'closed']),
    choice('peer', 'PeerEnd', ['open', 'closed', 'failed']),
    text('peerError'),
  ],
};

const session = {
  ...firstSession,
  fields: [
    ...firstSession.fields,
    { ...choice('cause', 'SessionCause', sessionCauses), default: 'failed' },
    { name: 'refused', type: 'boolean', default: false },
    { ...count('active'), default: 0 },
    { ...count('idle'), default: 0 },
    { name: 'requireClose', type: 'boolean', default: false },
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
  fields: [count('at'), text('act'), text('principal'), text('reason')],
};

/** `c/<flow>`: the head of a flow. */
export interface FlowHead {
  readonly flow: string;
  /** The version that its visit runs with. */
  version: number;
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
  /** Operations of the visit from here on came after that error; -1 when none did. */
  faultNext: number;
  /** Its cancellation, in the order of the visit's outcomes; null while nobody has asked for one. */
  cancel: CancelRecord | null;
  /** The newest reports on how far it has come. */
  progress: readonly ProgressRecord[];
  /** When it is cancelled unless something happens, in milliseconds since 1970; 0 for never. */
  expires: number;
  /** What put it into the hospital, each time, the newest last. */
  stays: readonly FailureRecord[];
  /** Set while its code runs after an unclean end, in which its worker might end again; else null. */
  mark: MarkRecord | null;
}

/**
 * How a marked flow runs: `beside` others; `nearly` alone, since no other has begun to run after it; `alone`. A `suspect`
 * was running when a worker ended, and has not run since; the `chief` one was nearly alone.
 */
export const stands = ['beside', 'nearly', 'alone', 'suspect', 'chief'] as const;
export type Stand = (typeof stands)[number];

export interface MarkRecord {
  /** Ends of a worker at which the flow ran, the one before its first mark included. */
  readonly deaths: number;
  /** Those of them at which it ran alone, in the place where it still is. */
  readonly lonely: number;
  readonly stand: Stand;
  /** The process that wrote it. */
  readonly life: string;
}

const mark = {
  name: 'mark',
  type: [
    'null',
    {
      type: 'record',
      name: 'Mark',
      fields: [small('deaths'), small('lonely'), choice('stand', 'Stand', stands), text('life')],
    },
  ],
  default: null,
};

/** A report of a flow on how far it has come. */
export interface ProgressRecord {
  /** From 1, in each flow. */
  readonly number: number;
  readonly at: number;
  readonly text: string;
  /** Value-codec bytes, or empty. */
  readonly details: Uint8Array;
}

const progress = {
  name: 'progress',
  type: {
    type: 'array',
    items: {
      type: 'record',
      name: 'Progress',
      fields: [small('number'), count('at'), text('text'), bytes('details')],
    },
  },
  default: [],
};

/** A cancellation that a flow was asked for. */
export interface CancelRecord {
  /** It comes before the outcome of this order. */
  readonly order: number;
  /** The code that the flow ends with. */
  readonly code: string;
  readonly reason: string;
}

const headSchema = (ofSession: AvroSchema, added: readonly AvroField[] = []): AvroSchema => ({
  type: 'record',
  name: 'FlowHead',
  namespace,
  fields: [
    text('flow'),
    small('version'),
    text('memberName'),
    text('memberGroup'),
    text('clientRequestId'),
    text('inputHash'),
    text('trace'),
    count('created'),
    choice('status', 'FlowStatus', flowStatuses),
    count('updated'),
    text('stage'),
    small('visit'),
    bytes('state'),
    { name: 'sessions', type: { type: 'array', items: ofSession } },
    count('nextInbox'),
    small('retries'),
    { name: 'acts', type: { type: 'array', items: act } },
    optionalFault,
    small('faultEntry'),
    ...added,
  ],
});

const cancel = {
  name: 'cancel',
  type: ['null', { type: 'record', name: 'Cancel', fields: [small('order'), text('code'), text('reason')] }],
  default: null,
};

export const flowHead = recordCodec<FlowHead>(
  headSchema(session, [
    { ...small('faultNext'), default: -1 },
    cancel,
    progress,
    { ...count('expires'), default: 0 },
    failures('stays', 'Stay'),
    mark,
  ]),
  'flow head',
  [headSchema(firstSession)],
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
  /** When an open step is given up, whatever it does, in milliseconds since 1970; 0 for never. */
  readonly until: number;
  /** Place of the outcome among those of the visit, which replay follows; 0 while there is none. */
  readonly order: number;
  /** It was made in a branch, beside others. */
  readonly branch: boolean;
  /** Attempts that have failed and were tried again, the newest last. */
  readonly failures: readonly FailureRecord[];
}

const journalSchema = { type: 'record', name: 'JournalEntry', namespace } as const;
const firstJournalFields = [
  text('op'),
  text('label'),
  choice('state', 'EntryState', ['open', 'done', 'failed']),
  bytes('value'),
  optionalFault,
  count('due'),
  small('attempts'),
];

export const journalEntry = recordCodec<JournalEntry>(
  {
    ...journalSchema,
    fields: [
      ...firstJournalFields,
      { ...count('until'), default: 0 },
      { ...small('order'), default: 0 },
      { name: 'branch', type: 'boolean', default: false },
      failures('failures', 'Failure'),
    ],
  },
  'journal entry',
  [{ ...journalSchema, fields: firstJournalFields }],
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
    fields: [text('session'), count('number'), text('type'), bytes('body')],
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
      text('actor'),
      small('version'),
      text('memberName'),
      text('memberGroup'),
      text('key'),
      bytes('state'),
      count('updated'),
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
  /**
   * Counter of the claim under which it was written: whoever has claimed the shard since then has ended without a word.
   * 0 where nobody says so.
   */
  readonly claim: number;
}

const firstShard = {
  type: 'record',
  name: 'Shard',
  namespace,
  fields: [small('partitions'), count('commit'), { name: 'released', type: 'boolean' }],
};

export const shardRecord = recordCodec<ShardRecord>(
  { ...firstShard, fields: [...firstShard.fields, { ...count('claim'), default: 0 }] },
  'shard',
  [firstShard],
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
  /**
   * Number of the shard's commit that was being filled when this was written: among the statuses of a shard it never goes
   * back, over takeovers too, so it says what a client that comes back has not seen. 0 in records of older versions.
   */
  readonly commit: number;
  readonly progress: readonly ProgressRecord[];
}

const firstStatusFields = [
  text('flow'),
  small('version'),
  text('memberName'),
  text('memberGroup'),
  text('clientRequestId'),
  text('inputHash'),
  text('trace'),
  choice('status', 'FlowStatus', flowStatuses),
  text('stage'),
  count('created'),
  count('updated'),
  text('startedBy'),
  bytes('result'),
  optionalFault,
  { name: 'acts', type: { type: 'array', items: act } },
];

export const statusRecord = recordCodec<StatusRecord>(
  {
    type: 'record',
    name: 'Status',
    namespace,
    fields: [...firstStatusFields, { ...count('commit'), default: 0 }, progress],
  },
  'flow status',
  [{ type: 'record', name: 'Status', namespace, fields: firstStatusFields }],
);

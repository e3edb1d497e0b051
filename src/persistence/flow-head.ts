/**
 * The head of a flow. Fields that hold a developer's values are bytes of the value codec; everything else is Avro, so that
 * a newer version can add a field with a default. Changing it needs a migration: see docs/decisions/records.md.
 */
import { recordCodec } from './avro.ts';
import type { AvroField, AvroSchema } from './avro-schema.ts';
import { type FailureRecord, failures } from './failure-record.ts';
import { bytes, choice, count, optionalFault, small, text } from './fields.ts';
import {
  type ActRecord,
  actSchema,
  type FaultRecord,
  type FlowStatus,
  flowStatuses,
  type ProgressRecord,
  progressField,
} from './flow-parts.ts';
import { firstSession, type SessionRecord, session } from './session-record.ts';

const namespace = 'weir.state';

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
    { name: 'acts', type: { type: 'array', items: actSchema } },
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
    progressField,
    { ...count('expires'), default: 0 },
    failures('stays', 'Stay'),
    mark,
  ]),
  'flow head',
  [headSchema(firstSession)],
);

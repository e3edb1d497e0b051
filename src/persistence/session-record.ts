/** The record of a session, part of the head of its flow; `firstSession` is what the first version wrote. */
import { choice, count, small, text } from './fields.ts';

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

export const firstSession = {
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

export const session = {
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

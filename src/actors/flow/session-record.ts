/** The record of one end of a session: how it begins, how it fails, and what that means to flow code that uses it. */
import type { FaultRecord, SessionCause, SessionRecord } from '../../persistence/index.ts';
import { type Identity, toMs } from '../../ports/index.ts';
import { platformFault } from './faults.ts';
import { cut } from './limits.ts';
import type { Protocol } from './session-protocol.ts';

export interface NewSession {
  readonly id: string;
  readonly role: SessionRecord['role'];
  /** Tells several with one peer apart; empty for the one without a name. */
  readonly name: string;
  readonly peer: Identity;
  readonly protocol: Pick<Protocol, 'name' | 'version' | 'requireClose' | 'idle'>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function newSession({ id, role, name, peer, protocol, now }: NewSession): SessionRecord {
  return {
    id,
    name,
    role,
    protocol: protocol.name,
    version: protocol.version,
    peerName: peer.name,
    peerGroup: peer.group,
    sent: 0,
    received: 0,
    consumed: 0,
    status: 'open',
    peer: 'open',
    peerError: '',
    cause: 'failed',
    refused: false,
    active: now,
    idle: protocol.idle === undefined ? 0 : toMs(protocol.idle),
    requireClose: protocol.requireClose,
  };
}

/** Whether the peer may know of the session: one that nobody has heard of needs no end. */
export function isHeard({ role, sent }: SessionRecord): boolean {
  return role === 'responder' || sent > 0;
}

/** Nothing of the session can be relied on any more; what was received and not read can still be read. */
export function failSession(session: SessionRecord, cause: SessionCause, reason: string): void {
  session.peer = 'failed';
  session.cause = cause;
  session.peerError = cut(reason);
}

/** Why nothing can be sent; undefined when something can. */
export function sendFault(session: SessionRecord): FaultRecord | undefined {
  if (session.status === 'closed') return closedFault(session.id, session);
  if (session.peer === 'failed') return failedFault(session);
  return session.refused ? closedFault(session.id, session) : undefined;
}

/** Why nothing will be received, once everything is read; undefined when something may. */
export function receiveFault(session: SessionRecord): FaultRecord | undefined {
  if (session.peer === 'closed') return closedFault(session.id, session);
  return session.peer === 'failed' ? failedFault(session) : undefined;
}

export function closedFault(id: string, session: SessionRecord | undefined): FaultRecord {
  return platformFault('WEIR_SESSION_CLOSED', { session: id, peer: session?.peerName ?? '' });
}

function failedFault({ id, protocol, version, peerName, cause, peerError: why }: SessionRecord): FaultRecord {
  switch (cause) {
    case 'failed':
      return platformFault('WEIR_SESSION_FAILED', { session: id, peer: peerName, why });
    case 'expired':
      return platformFault('WEIR_SESSION_EXPIRED', { session: id, peer: peerName, why });
    case 'unanswered':
      return platformFault('WEIR_SESSION_NO_RESPONDER', { member: peerName, protocol, version, why });
  }
}

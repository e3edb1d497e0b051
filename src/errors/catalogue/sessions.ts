/** Errors: what members and sessions answer. */
import type { CatalogueArea } from './entry.ts';

export const sessions = {
  WEIR_MEMBER_UNKNOWN: {
    message: 'there is no member {member} in group {group}{hint?}',
    remedy: 'check the name and the group',
    status: 404,
  },
  WEIR_MESSAGE_INVALID: {
    message: 'message {type} does not fit protocol {protocol}: {why}',
    remedy: 'correct the message',
    status: 400,
  },
  WEIR_SESSION_CLOSED: {
    message: 'session {session} with {peer} is closed',
    remedy: 'open a new session, or do not use it after close()',
    status: 409,
  },
  WEIR_SESSION_FAILED: {
    message: 'session {session} with {peer} has failed: {why}',
    remedy: 'see the flow at the peer',
    status: 502,
  },
  WEIR_SESSION_EXPIRED: {
    message: 'session {session} with {peer} has expired: {why}',
    remedy: 'open a new session; if the silence is meant to be so long, give the protocol a longer "idle"',
    status: 410,
  },
  WEIR_SESSION_NO_RESPONDER: {
    message: 'member {member} does not answer protocol {protocol} version {version}: {why}',
    remedy: 'check the name and version of the protocol on both sides',
    status: 404,
  },
} as const satisfies CatalogueArea;

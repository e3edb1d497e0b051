/**
 * The peer transport port: how session messages reach another member, on this node or elsewhere.
 * Its contract is weak on purpose: a message may be lost, repeated or overtaken. What arrives is authenticated: the
 * transport vouches for `source`, whatever the bytes say.
 */
import type { Identity } from '../../ports/index.ts';

export interface PeerMessage {
  readonly source: Identity;
  readonly destination: Identity;
  readonly bytes: Uint8Array;
}

export interface PeerTransport {
  /** Hands a message over; never throws for an unreachable peer. */
  send(message: PeerMessage): void;
  /** At most one receiver; messages that arrive before there is one are lost. */
  listen(receive: (message: PeerMessage) => void): void;
  close(): void;
}

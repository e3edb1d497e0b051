/** A session as flow code sees it: typed by its protocol, ordered, exactly once. */
import type { input, output } from 'zod';
import type { Duration, Identity } from '../../ports/index.ts';
import type { Operation } from './operation.ts';
import type { MessageTypes, Protocol } from './session-protocol.ts';

/** A message that was received: a union over the types of the direction, told apart by `type`. */
export type Received<Messages extends MessageTypes> = {
  [Type in keyof Messages & string]: { readonly type: Type; readonly body: output<Messages[Type]> };
}[keyof Messages & string];

/** What `receive({ within })` gives when nothing came in time. */
export interface TimedOut {
  readonly type: 'timedOut';
}

/** One end of a session. */
export interface Session<Outbound extends MessageTypes, Inbound extends MessageTypes> {
  readonly id: string;
  readonly peer: Identity;
  /**
   * Sends a message: it leaves with the flow's next checkpoint, arrives in order and once.
   * Suspends while 64 messages (or 1 MiB) are unread at the peer.
   * @throws FlowError `WEIR_SESSION_CLOSED` after `close()`, or when the peer's flow has ended, `WEIR_FLOW_TOO_LARGE`
   *   for a body beyond 512 KiB, and what a session fails with: `WEIR_SESSION_FAILED`, `WEIR_SESSION_EXPIRED`,
   *   `WEIR_SESSION_NO_RESPONDER`; WeirError `WEIR_MESSAGE_INVALID` when the body does not fit the protocol
   */
  send<Type extends keyof Outbound & string>(type: Type, body: input<Outbound[Type]>): Operation<void>;
  /**
   * The next message of the peer.
   * @throws FlowError `WEIR_SESSION_CLOSED` when the peer has closed and everything is read, `WEIR_SESSION_FAILED`
   *   when the peer's flow has failed or was killed, or cannot be reached, `WEIR_SESSION_EXPIRED` after too long a
   *   silence, `WEIR_SESSION_NO_RESPONDER` when nobody answers the protocol there, `WEIR_MESSAGE_INVALID`
   */
  receive(): Operation<Received<Inbound>>;
  /** The same with a durable deadline: `timedOut` when nothing came `within` it. */
  receive(options: { readonly within: Duration }): Operation<Received<Inbound> | TimedOut>;
  /**
   * Sends a message and waits for the next one of the peer: `send`, then `receive`. It pairs nothing: what the peer has
   * said before, and nobody has read, comes first.
   * @throws FlowError what `send` and `receive` throw
   */
  sendAndReceive<Type extends keyof Outbound & string>(
    type: Type,
    body: input<Outbound[Type]>,
  ): Operation<Received<Inbound>>;
  /** The same with a durable deadline for the answer. */
  sendAndReceive<Type extends keyof Outbound & string>(
    type: Type,
    body: input<Outbound[Type]>,
    options: { readonly within: Duration },
  ): Operation<Received<Inbound> | TimedOut>;
  /** Says that nothing more will be sent; what the peer says can still be received. A flow that ends does it by itself. */
  close(): Operation<void>;
}

export type InitiatorSession<P> = P extends Protocol<infer I, infer R> ? Session<I, R> : never;
export type ResponderSession<P> = P extends Protocol<infer I, infer R> ? Session<R, I> : never;

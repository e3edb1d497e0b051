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
   * @throws FlowError `WEIR_MESSAGE_INVALID` when the body does not fit the protocol, `WEIR_SESSION_CLOSED`,
   *   `WEIR_SESSION_FAILED`
   */
  send<Type extends keyof Outbound & string>(type: Type, body: input<Outbound[Type]>): Operation<void>;
  /**
   * The next message of the peer.
   * @throws FlowError `WEIR_SESSION_CLOSED` when the peer has closed and everything is read, `WEIR_SESSION_FAILED`
   *   when the peer's flow has failed or was killed, or nobody answers the protocol there
   */
  receive(): Operation<Received<Inbound>>;
  /** The same with a durable deadline: `timedOut` when nothing came `within` it. */
  receive(options: { readonly within: Duration }): Operation<Received<Inbound> | TimedOut>;
  /** Says that nothing more will be sent. Sessions that are open when a flow ends are closed by the engine. */
  close(): Operation<void>;
}

export type InitiatorSession<P> = P extends Protocol<infer I, infer R> ? Session<I, R> : never;
export type ResponderSession<P> = P extends Protocol<infer I, infer R> ? Session<R, I> : never;

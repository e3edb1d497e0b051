/** Conversations with several peers at once: the same message to many, the next message of any. */
import type { input, ZodType } from 'zod';
import type { Duration } from '../../ports/index.ts';
import type { BaseContext } from './base-context.ts';
import type { BranchContext } from './branching.ts';
import type { Duties } from './duties.ts';
import type { Operation } from './operation.ts';
import type { Received, Session, TimedOut } from './session.ts';
import type { MessageTypes } from './session-protocol.ts';

/** What a session can send. */
type OutboundOf<S> = S extends Session<infer Outbound, infer _Inbound> ? Outbound : never;

/** A message, and the session that it came by. */
export type ReceivedFrom<S> =
  S extends Session<infer _Outbound, infer Inbound> ? Received<Inbound> & { readonly session: S } : never;

/** Any session, whatever its protocol. */
interface Talk {
  readonly id: string;
  readonly close: () => Operation<void>;
}

/** The part of a flow's context that speaks with several peers. */
export interface ConversationContext {
  /** Sends one message on each of the sessions, in their order. @throws what `send` throws, at the first that fails */
  sendAll<S extends Talk, Type extends keyof OutboundOf<S> & string>(
    sessions: readonly S[],
    type: Type,
    body: BodyOf<OutboundOf<S>[Type]>,
  ): Operation<void>;
  /**
   * The next message of any of the sessions; of the others none is taken.
   * @throws what `receive` throws on the first session that has ended
   */
  receiveAny<S extends Talk>(sessions: readonly S[]): Operation<ReceivedFrom<S>>;
  /** The same with a durable deadline: `timedOut` when nothing came `within` it. */
  receiveAny<S extends Talk>(
    sessions: readonly S[],
    options: { readonly within: Duration },
  ): Operation<ReceivedFrom<S> | TimedOut>;
}

type BodyOf<Schema> = Schema extends ZodType ? input<Schema> : never;

interface Parts {
  readonly race: BranchContext['race'];
  readonly sleep: BaseContext['sleep'];
  readonly duties: Duties;
}

type AnySession = Session<MessageTypes, MessageTypes>;

export function conversations({ race, sleep, duties }: Parts): ConversationContext {
  const parts = {
    sendAll: (sessions: readonly AnySession[], type: string, body: unknown): Operation<void> =>
      duties.made(`sendAll "${type}"`, () => sentToAll(sessions, type, body)),
    receiveAny: (sessions: readonly AnySession[], options?: { readonly within: Duration }): Operation<unknown> => {
      if (sessions.length === 0) throw new TypeError('receiveAny needs at least one session: nothing would ever come');
      return duties.made('receiveAny', () => {
        const branches = sessions.map(from);
        return race(options === undefined ? branches : [...branches, after(options.within, sleep)]);
      });
    },
  };
  // Types stand for what the sessions' own protocols say; in here all sessions are alike.
  return parts as unknown as ConversationContext;
}

// No closures, for the reason that `context.ts` gives.

function* from(session: AnySession): Operation<unknown> {
  return { ...(yield* session.receive()), session };
}

function* after(within: Duration, sleep: BaseContext['sleep']): Operation<unknown> {
  yield* sleep(within);
  return { type: 'timedOut' };
}

function* sentToAll(sessions: readonly AnySession[], type: string, body: unknown): Operation<void> {
  for (const session of sessions) yield* session.send(type, body);
}

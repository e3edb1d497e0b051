/** A scripted member as a test speaks for it: typed by the protocol, and patient in virtual time. */
import type { input, output } from 'zod';
import type { MessageTypes, Protocol } from '../actors/flow/index.ts';
import { decodeValue, encodeValue } from '../persistence/index.ts';
import { type Duration, type Identity, identityOf, type MemberName } from '../ports/index.ts';
import { brief, callSite, difference, type Expected, meets } from './expectation.ts';
import type { Conversation, PeerScripts } from './peer-scripts.ts';
import { until, type Within } from './until.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** One end of a session, in the hands of a test. */
export interface ScriptedSession<Outbound extends MessageTypes, Inbound extends MessageTypes> {
  readonly peer: Identity;
  /** What the peer has said last of the session itself. */
  readonly ended: 'open' | 'closed' | 'failed';
  /**
   * The body of the next message, which has to be of this type, and this body or one that passes this test.
   * @throws ExpectationError when it is another one, or none came `within` (default 10 s)
   */
  receives<Type extends keyof Inbound & string>(
    type: Type,
    body?: Expected<output<Inbound[Type]>>,
    options?: Within,
  ): Promise<output<Inbound[Type]>>;
  /** Sends a message; it is sent again until it is taken. @throws ZodError when the body does not fit the protocol */
  sends<Type extends keyof Outbound & string>(type: Type, body: input<Outbound[Type]>): void;
  /** Says that nothing more will be sent. */
  closes(): void;
  /** Ends the session as a flow does that has FAILED. */
  fails(reason: string): void;
  /** Waits until the peer has ended the session. @throws ExpectationError when it has not `within` (default 10 s) */
  expectEnd(options?: Within): Promise<'closed' | 'failed'>;
}

/** A member without flows: a test says what it says. */
export interface ScriptedMember {
  readonly identity: Identity;
  /**
   * The next session of this protocol that somebody opens with the member, and that was not accepted yet.
   * @throws ExpectationError when none was opened `within` (default 10 s)
   */
  accepts<Initiator extends MessageTypes, Responder extends MessageTypes>(
    protocol: Protocol<Initiator, Responder>,
    options?: Within,
  ): Promise<ScriptedSession<Responder, Initiator>>;
  /** Opens a session with a member of the node, which starts the flow that answers the protocol. */
  opens<Initiator extends MessageTypes, Responder extends MessageTypes>(
    peer: MemberName,
    protocol: Protocol<Initiator, Responder>,
  ): ScriptedSession<Initiator, Responder>;
  /** From now on sessions of this protocol find nobody here. */
  rejects(protocol: Protocol, reason?: string): void;
}

const patience: Duration = '10 s';

export function scriptedMember(identity: Identity, scripts: PeerScripts, clock: VirtualClock): ScriptedMember {
  const accepted = new Map<string, number>();

  async function accepts<Initiator extends MessageTypes, Responder extends MessageTypes>(
    protocol: Protocol<Initiator, Responder>,
    { within = patience }: Within = {},
  ): Promise<ScriptedSession<Responder, Initiator>> {
    const site = callSite(accepts);
    const nth = accepted.get(protocol.name) ?? 0;
    const found = await until(clock, within, () => scripts.openedWith(identity, protocol.name)[nth]);
    if (found === undefined) {
      throw site.error(`nobody has opened a session of ${protocol.name} with ${identity.name} within ${within}`);
    }
    accepted.set(protocol.name, nth + 1);
    return session<Responder, Initiator>(found, protocol.name, protocol.responder, clock);
  }

  return {
    identity,
    accepts,
    opens(peer, protocol) {
      const { name, version, initiator } = protocol;
      const opened = scripts.open({ protocol: name, version, own: identity, peer: identityOf(peer) });
      return session(opened, name, initiator, clock);
    },
    rejects: (protocol, reason = 'it answers no version of it') => scripts.refuse(identity, protocol.name, reason),
  };
}

function session<Outbound extends MessageTypes, Inbound extends MessageTypes>(
  conversation: Conversation,
  protocol: string,
  outbound: Outbound,
  clock: VirtualClock,
): ScriptedSession<Outbound, Inbound> {
  const { own, peer } = conversation.name;

  async function receives<Type extends keyof Inbound & string>(
    type: Type,
    body?: Expected<output<Inbound[Type]>>,
    { within = patience }: Within = {},
  ): Promise<output<Inbound[Type]>> {
    const site = callSite(receives);
    const what = `${own.name} was to receive "${type}" of ${protocol} from ${peer.name}`;
    const over = (): 'over' | undefined => (conversation.ended === 'open' ? undefined : 'over');
    const heard = await until(clock, within, () => conversation.next() ?? over());
    if (heard === undefined) throw site.error(`${what}, and received nothing within ${within}`);
    if (heard === 'over') throw site.error(`${what}, and the session is ${conversation.ended}: ${conversation.reason}`);
    const found = decodeValue(heard.body);
    if (heard.type !== type) throw site.error(`${what}, and received "${heard.type}" ${brief(found)}`);
    if (body !== undefined && !meets(body, found)) {
      throw site.error(`${what}, and its body is another one\n${difference(body, found)}`);
    }
    // The flow's end of the session has checked it against the very same schema.
    return found as output<Inbound[Type]>;
  }

  async function expectEnd({ within = patience }: Within = {}): Promise<'closed' | 'failed'> {
    const site = callSite(expectEnd);
    const end = await until(clock, within, () => (conversation.ended === 'open' ? undefined : conversation.ended));
    if (end === undefined) throw site.error(`${peer.name} has not ended its session with ${own.name} within ${within}`);
    return end;
  }

  return {
    peer,
    get ended() {
      return conversation.ended;
    },
    receives,
    sends: (type, body) => conversation.send('data', type, bodyOf(outbound, type, body, protocol)),
    closes: () => conversation.send('close'),
    fails: (reason) => conversation.send('error', reason),
    expectEnd,
  };
}

/** @throws RangeError when the protocol has no such message, ZodError when the body does not fit */
export function bodyOf(types: MessageTypes, type: string, body: unknown, protocol: string): Uint8Array {
  const schema = Object.hasOwn(types, type) ? types[type] : undefined;
  if (schema === undefined) throw new RangeError(`protocol ${protocol} has no message "${type}" in this direction`);
  return encodeValue(schema.parse(body), `message "${type}" of protocol ${protocol}`);
}

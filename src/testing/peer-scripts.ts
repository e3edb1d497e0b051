/**
 * Members that are only scripts: the other end of sessions, without a node behind it. Owns the wire of such a member
 * (numbers, order, acknowledgements, resends), so that its script only says what is said.
 */
import { answerTo, type SessionMessage, sessionMessage } from '../actors/session-manager/index.ts';
import { type Clock, type Identity, type Random, sameIdentity } from '../ports/index.ts';
import { loopbackTransport, type PeerFaults, type PeerMessage, type PeerTransport } from '../transport/peer/index.ts';

const resendMs = 1_000;
const expiresMs = 86_400_000;

export interface PeerScriptsSetup {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: PeerFaults | undefined;
  readonly members: readonly Identity[];
}

/** What a session is known by, on its scripted end. */
export interface ConversationName {
  readonly session: string;
  readonly protocol: string;
  readonly version: number;
  readonly own: Identity;
  readonly peer: Identity;
  /** Which end is scripted. */
  readonly role: 'initiator' | 'responder';
  readonly trace: string;
}

/** A message that has arrived at a script. */
export interface Heard {
  readonly type: string;
  readonly body: Uint8Array;
}

/** The scripted end of one session, in bytes. */
export class Conversation {
  readonly name: ConversationName;
  /** Arrived, in order, and not read by the script. */
  readonly unread: Heard[] = [];
  /** Data messages that were read. */
  read = 0;
  /** How the peer has ended the session, if it has; `reason` when it failed. */
  ended: 'open' | 'closed' | 'failed' = 'open';
  reason = '';
  readonly #clock: Clock;
  readonly #transmit: (message: SessionMessage) => void;
  readonly #early = new Map<number, SessionMessage>();
  #unacknowledged: SessionMessage[] = [];
  #sent = 0;
  #received = 0;

  constructor(name: ConversationName, clock: Clock, transmit: (message: SessionMessage) => void) {
    this.name = name;
    this.#clock = clock;
    this.#transmit = transmit;
  }

  /** The next message, taken out. */
  next(): Heard | undefined {
    const heard = this.unread.shift();
    if (heard !== undefined) this.read += 1;
    return heard;
  }

  send(kind: 'open' | 'data' | 'close' | 'error', type = '', body: Uint8Array = new Uint8Array()): void {
    const { own, peer, role, ...name } = this.name;
    this.#sent += 1;
    const now = this.#clock.now();
    const message: SessionMessage = {
      ...name,
      direction: role === 'initiator' ? 'toResponder' : 'toInitiator',
      kind,
      sequence: this.#sent,
      sourceName: own.name,
      sourceGroup: own.group,
      destinationName: peer.name,
      destinationGroup: peer.group,
      created: now,
      expires: now + expiresMs,
      type,
      body,
      received: 0,
      consumed: 0,
      acknowledged: (this.#unacknowledged[0]?.sequence ?? this.#sent) - 1,
      cause: 'failed',
      ended: false,
    };
    this.#unacknowledged.push(message);
    this.#transmit(message);
  }

  resend(): boolean {
    for (const message of this.#unacknowledged) this.#transmit(message);
    return this.#unacknowledged.length > 0;
  }

  arrived(message: SessionMessage): void {
    switch (message.kind) {
      case 'ack':
        this.#unacknowledged = this.#unacknowledged.filter(({ sequence }) => sequence > message.received);
        return;
      case 'reject':
        this.#unacknowledged = [];
        this.#end('failed', message.type);
        return;
      default:
        this.#numbered(message);
    }
  }

  /** Says that nobody answers here. */
  reject(message: SessionMessage, reason: string): void {
    this.#transmit(
      answerTo(
        message,
        { kind: 'reject', received: message.sequence, cause: 'unanswered', type: reason },
        this.#clock.now(),
      ),
    );
  }

  #numbered(message: SessionMessage): void {
    if (message.sequence > this.#received) this.#early.set(message.sequence, message);
    for (;;) {
      const due = this.#early.get(this.#received + 1);
      if (due === undefined) break;
      this.#early.delete(due.sequence);
      this.#received = due.sequence;
      if (due.kind === 'data') this.unread.push({ type: due.type, body: due.body });
      if (due.kind === 'close') this.#end('closed', '');
      if (due.kind === 'error') this.#end('failed', due.type);
    }
    // A script reads at once: whoever sends to it never waits for credit.
    const received = this.#received;
    const ack = { kind: 'ack', received, consumed: received } as const;
    this.#transmit(answerTo(message, ack, this.#clock.now()));
  }

  #end(how: 'closed' | 'failed', reason: string): void {
    if (this.ended !== 'open') return;
    this.ended = how;
    this.reason = reason;
  }
}

/** All scripted members of a test node, and the wire between them and its workers. */
export class PeerScripts {
  readonly #clock: Clock;
  readonly #members: readonly Identity[];
  readonly #toScripts: PeerTransport;
  readonly #toNode: PeerTransport;
  readonly #receivers = new Set<(message: PeerMessage) => void>();
  readonly #conversations = new Map<string, Conversation>();
  readonly #refused = new Map<string, string>();
  #resending = false;

  constructor({ clock, random, faults, members }: PeerScriptsSetup) {
    this.#clock = clock;
    this.#members = members;
    this.#toScripts = loopbackTransport({ clock, random, faults });
    this.#toNode = loopbackTransport({ clock, random, faults });
    this.#toScripts.listen(({ bytes }) => this.#arrived(sessionMessage.decode(bytes)));
    this.#toNode.listen((message) => {
      const [receive] = this.#receivers;
      receive?.(message);
    });
  }

  /** The transport of one worker, in which what goes to a scripted member reaches its script. */
  wrap(inner: PeerTransport): PeerTransport {
    let own: ((message: PeerMessage) => void) | undefined;
    return {
      send: (message) => {
        const scripted = this.#members.some((member) => sameIdentity(member, message.destination));
        (scripted ? this.#toScripts : inner).send(message);
      },
      listen: (receive) => {
        if (own !== undefined) this.#receivers.delete(own);
        own = receive;
        this.#receivers.add(receive);
        inner.listen(receive);
      },
      close: () => {
        if (own !== undefined) this.#receivers.delete(own);
        inner.close();
      },
    };
  }

  /** Sessions that others have opened with a member, oldest first. */
  openedWith(member: Identity, protocol: string): readonly Conversation[] {
    return [...this.#conversations.values()].filter(
      ({ name }) => name.role === 'responder' && name.protocol === protocol && sameIdentity(name.own, member),
    );
  }

  /** From now on sessions of this protocol find nobody there. */
  refuse(member: Identity, protocol: string, reason: string): void {
    this.#refused.set(keyOf(member, protocol), reason);
  }

  open(name: Omit<ConversationName, 'session' | 'role' | 'trace'>): Conversation {
    const session = `scripted-${this.#conversations.size + 1}`;
    const conversation = this.#conversation({ ...name, session, role: 'initiator', trace: session });
    conversation.send('open');
    return conversation;
  }

  #conversation(name: ConversationName): Conversation {
    const key = keyOf(name.own, name.role, name.session);
    const known = this.#conversations.get(key);
    if (known !== undefined) return known;
    const made = new Conversation(name, this.#clock, (message) => this.#transmit(message));
    this.#conversations.set(key, made);
    return made;
  }

  #arrived(message: SessionMessage): void {
    const { session, protocol, version, trace } = message;
    const own = { name: message.destinationName, group: message.destinationGroup };
    const peer = { name: message.sourceName, group: message.sourceGroup };
    const role = message.direction === 'toResponder' ? 'responder' : 'initiator';
    const conversation = this.#conversation({ session, protocol, version, own, peer, role, trace });
    const refused = this.#refused.get(keyOf(own, protocol));
    if (refused !== undefined && role === 'responder') conversation.reject(message, refused);
    else conversation.arrived(message);
  }

  #transmit(message: SessionMessage): void {
    this.#toNode.send({
      source: { name: message.sourceName, group: message.sourceGroup },
      destination: { name: message.destinationName, group: message.destinationGroup },
      bytes: sessionMessage.encode(message),
    });
    this.#armResend();
  }

  /** A worker may have been down, or the network bad. */
  #armResend(): void {
    if (this.#resending) return;
    this.#resending = true;
    this.#clock.after(resendMs, () => {
      this.#resending = false;
      const left = [...this.#conversations.values()].filter((conversation) => conversation.resend());
      if (left.length > 0) this.#armResend();
    });
  }
}

function keyOf({ name, group }: Identity, ...parts: readonly string[]): string {
  return JSON.stringify([name, group, ...parts]);
}

/** What is known of each direction of each session, from what both sides have committed. */
import { responderRoutingKey, routingKeyOf } from '../../../actors/flow/protocol.ts';
import { type Direction, destinationOf, type SessionMessage, sourceOf } from '../../../actors/session-manager/index.ts';
import type { FlowHead, SessionRecord } from '../../../persistence/index.ts';
import { type Identity, sameIdentity } from '../../../ports/index.ts';

/** One direction of a session. */
export class Lane {
  readonly #name: () => string;
  /** Routing keys of the flows at its ends. */
  readonly sender: string;
  readonly receiver: string;
  /** Numbers of the last message that its receiver has durably taken, and read. */
  taken = 0;
  read = 0;
  /** Its sender has given it up, or its peer has told it that nothing will be taken. */
  broken = false;
  /** At each number, how many messages up to there carry data. */
  readonly #data: number[] = [0];
  /** At each number, what it is, and until when its sender tries it. */
  readonly #kinds: Array<SessionMessage['kind'] | undefined> = [undefined];
  readonly #expires: number[] = [0];

  /** @param name put together when something is wrong with it, and never else */
  constructor(name: () => string, sender: string, receiver: string) {
    this.#name = name;
    this.sender = sender;
    this.receiver = receiver;
  }

  get name(): string {
    return this.#name();
  }

  /** Number of the last message that its sender has committed. */
  get last(): number {
    return this.#data.length - 1;
  }

  push({ kind, expires }: SessionMessage): void {
    this.#data.push(this.dataUpTo(this.last) + (kind === 'data' ? 1 : 0));
    this.#kinds.push(kind);
    this.#expires.push(expires);
  }

  /** Counts a message that was withdrawn by the commit that would have sent it: nobody can have seen it. */
  skip(): void {
    this.#data.push(this.dataUpTo(this.last));
    this.#kinds.push(undefined);
    this.#expires.push(Number.POSITIVE_INFINITY);
  }

  /** What the message of this number is; undefined for one that its sender has not committed. */
  kindOf(number: number): SessionMessage['kind'] | undefined {
    return this.#kinds[number];
  }

  /** Whether its sender has said that nothing more will come. */
  get ended(): boolean {
    return this.#kinds.includes('close') || this.#kinds.includes('error');
  }

  /** Whether its sender has tried for so long that it may have given up. */
  overdue(now: number): boolean {
    return this.taken < this.last && (this.#expires[this.taken + 1] ?? 0) <= now;
  }

  dataUpTo(number: number): number {
    return this.#data[Math.min(number, this.last)] ?? 0;
  }
}

interface Conversation {
  readonly initiator: Identity;
  readonly responder: Identity;
  readonly toResponder: Lane;
  readonly toInitiator: Lane;
}

export class Lanes {
  /** By session. */
  readonly #conversations = new Map<string, Conversation[]>();
  /** Messages that their senders keep, by key of the record: the session is in it, and who sends it to whom. */
  readonly #kept = new Map<string, { readonly lane: Lane; readonly number: number }>();
  /** By the beginning of the keys of its messages: the direction that an outbox is of. */
  readonly #outboxes = new Map<string, Lane>();
  /** Routing keys of flows that have ended. */
  readonly #over = new Set<string>();

  /** The direction that a message travels in. */
  of(message: SessionMessage): Lane {
    return this.#lane(message.session, message.direction, sourceOf(message), destinationOf(message));
  }

  /** The direction that an acknowledgement or refusal speaks of. */
  answeredBy(answer: SessionMessage): Lane {
    const direction = answer.direction === 'toResponder' ? 'toInitiator' : 'toResponder';
    return this.#lane(answer.session, direction, destinationOf(answer), sourceOf(answer));
  }

  /** What a flow sends in a session, or what it is sent. */
  between(
    { memberName, memberGroup }: FlowHead,
    { id, role, peerName, peerGroup }: SessionRecord,
    way: 'in' | 'out',
  ): Lane {
    const self = { name: memberName, group: memberGroup };
    const peer = { name: peerName, group: peerGroup };
    const direction = (role === 'initiator') === (way === 'out') ? 'toResponder' : 'toInitiator';
    return way === 'out' ? this.#lane(id, direction, self, peer) : this.#lane(id, direction, peer, self);
  }

  keep(key: string, lane: Lane, number: number): void {
    this.#kept.set(key, { lane, number });
    this.#outboxes.set(outboxOf(key), lane);
  }

  /** The message of a key is removed: it may be one that the same commit would have sent. */
  withdraw(key: string): void {
    const lane = this.#kept.has(key) ? undefined : this.#outboxes.get(outboxOf(key));
    const number = numberOf(key);
    if (lane === undefined || number !== lane.last + 1) return;
    lane.skip();
    this.keep(key, lane, number);
  }

  forget(key: string): { readonly lane: Lane; readonly number: number } | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept;
  }

  ended(flowId: string): void {
    this.#over.add(routingKeyOf(flowId));
  }

  /** Whether the flow at an end has ended. */
  over(routingKey: string): boolean {
    return this.#over.has(routingKey);
  }

  #lane(session: string, direction: Direction, source: Identity, destination: Identity): Lane {
    const onward = direction === 'toResponder';
    const both = onward
      ? this.#conversation(session, source, destination)
      : this.#conversation(session, destination, source);
    return both[direction];
  }

  /** Members may choose the same id: only with both ends does it mean one conversation. */
  #conversation(session: string, initiator: Identity, responder: Identity): Conversation {
    let known = this.#conversations.get(session);
    if (known === undefined) {
      known = [];
      this.#conversations.set(session, known);
    }
    let one = known.find((each) => sameIdentity(each.initiator, initiator) && sameIdentity(each.responder, responder));
    if (one === undefined) {
      const [asks, answers] = [routingKeyOf(session), responderRoutingKey(responder, initiator, session)];
      const ends = (): string => `${initiator.name}/${initiator.group} with ${responder.name}/${responder.group}`;
      const name = (direction: Direction) => () => `session ${session} of ${ends()}, ${direction}`;
      one = {
        initiator,
        responder,
        toResponder: new Lane(name('toResponder'), asks, answers),
        toInitiator: new Lane(name('toInitiator'), answers, asks),
      };
      known.push(one);
    }
    return one;
  }
}

function outboxOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

/** Of the message that an outbox keeps under this key. */
export function numberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

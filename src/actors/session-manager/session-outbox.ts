/**
 * The outbox of sessions: messages for peers, numbered in each session and direction, kept until the peer's
 * acknowledgement. The network between may lose, repeat and reorder; the numbers heal all three.
 */
import { type Identity, memberId, sameIdentity } from '../../ports/index.ts';
import type { Alarm } from '../shard/index.ts';
import { Repeats, type RepeatsSetup, type Waiting } from './repeats.ts';
import {
  type Direction,
  destinationOf,
  opposite,
  type SessionMessage,
  sessionMessage,
  sourceOf,
} from './session-message.ts';

interface Entry {
  readonly number: number;
  readonly message: SessionMessage;
  readonly bytes: Uint8Array;
  /** When it left last; undefined before its commit is durable. */
  sentAt: number | undefined;
}

/** One direction of a session, as its sender names it. */
export interface LaneName {
  readonly session: string;
  readonly direction: Direction;
  readonly source: Identity;
  readonly destination: Identity;
}

class Lane implements Waiting {
  readonly name: LaneName;
  /** What the keys of its records begin with. */
  readonly prefix: string;
  /** Unacknowledged messages, oldest first. */
  entries: Entry[] = [];
  /**
   * What the peer's flow has read, as far as it has told us. After a restart that is nothing: taking too little for
   * granted costs a question, taking too much would let the sender run ahead of its credit at each restart (WK17).
   */
  consumed = 0;
  /** Sizes of messages that are not known to be read, oldest first, and their sum. */
  readonly unread: Array<{ readonly number: number; readonly bytes: number }> = [];
  unreadBytes = 0;
  /** Highest number that may leave: its commit is durable. */
  durable = 0;
  /** Nothing will be added: the lane goes with its last entry. */
  closed = false;
  /** When the peer was asked last what its flow has read, and since when it has not answered. */
  askedAt = Number.NEGATIVE_INFINITY;
  askedSince: number | undefined;
  repeats = 0;
  pauseMs: number | undefined;
  alarm: Alarm | undefined;

  constructor(name: LaneName) {
    this.name = name;
    this.prefix = `o/${recordNameOf(name)}/`;
  }

  get peer(): Identity {
    return this.name.destination;
  }

  push(message: SessionMessage, bytes: Uint8Array): void {
    this.entries.push({ number: message.sequence, message, bytes, sentAt: undefined });
    this.unread.push({ number: message.sequence, bytes: message.body.length });
    this.unreadBytes += message.body.length;
  }

  read(number: number): void {
    this.consumed = Math.max(this.consumed, number);
    for (let oldest = this.unread[0]; oldest !== undefined && oldest.number <= this.consumed; oldest = this.unread[0]) {
      this.unread.shift();
      this.unreadBytes -= oldest.bytes;
    }
  }
}

export interface SessionCredit {
  /** Messages that may be unread at the peer. */
  readonly messages: number;
  /** Their bodies' bytes. */
  readonly bytes: number;
}

export const defaultCredit: SessionCredit = { messages: 64, bytes: 1024 * 1024 };

/** Messages of a session that are repeated together: a peer that is away costs no more, and behind their acknowledgements others follow. */
const repeatedAtOnce = 16;

/** What became of a question what the peer's flow has read. */
export type Asked = 'asked' | 'waiting' | 'unanswered';

export interface SessionOutboxSetup extends Omit<RepeatsSetup<unknown>, 'repeat'> {
  /** Hands a message to the network; it may get lost there. */
  readonly transmit: (message: SessionMessage, bytes: Uint8Array) => void;
  /** Messages have expired; `giveUp` drops them. */
  readonly onExpired: (messages: readonly SessionMessage[]) => void;
}

export class SessionOutbox {
  readonly #lanes = new Map<string, Lane>();
  readonly #setup: SessionOutboxSetup;
  readonly #repeats: Repeats<Lane>;
  #count = 0;

  constructor(setup: SessionOutboxSetup) {
    this.#setup = setup;
    this.#repeats = new Repeats({ ...setup, repeat: (lane) => this.#repeat(lane) });
  }

  /** Unacknowledged messages. */
  get size(): number {
    return this.#count;
  }

  /** Directions of sessions that are remembered. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Keeps a message; answers the record to commit with what caused it. */
  add(message: SessionMessage): { readonly key: string; readonly bytes: Uint8Array } {
    const bytes = sessionMessage.encode(message);
    const lane = this.#lane(laneNameOf(message));
    lane.push(message, bytes);
    this.#count++;
    return { key: `${lane.prefix}${message.sequence}`, bytes };
  }

  /** The commit that carried the message is durable: it may leave (W3). */
  release(message: SessionMessage): void {
    const lane = this.#lanes.get(keyOf(laneNameOf(message)));
    const entry = lane?.entries.find(({ number }) => number === message.sequence);
    if (lane === undefined || entry === undefined) return;
    lane.durable = Math.max(lane.durable, message.sequence);
    this.#send(entry);
    this.#await(lane);
  }

  /** Puts a record back at restore. */
  restore(bytes: Uint8Array): void {
    const message = sessionMessage.decode(bytes);
    const lane = this.#lane(laneNameOf(message));
    lane.push(message, bytes);
    lane.closed ||= message.kind === 'close' || message.kind === 'error';
    lane.durable = Math.max(lane.durable, message.sequence);
    this.#count++;
  }

  /** Everything is read: nobody knows what of it has arrived, so all of it is sent. */
  restored(): void {
    const now = this.#setup.clock.now();
    for (const lane of this.#lanes.values()) {
      lane.entries.sort((a, b) => a.number - b.number);
      lane.unread.sort((a, b) => a.number - b.number);
      for (const entry of lane.entries) if (entry.message.expires > now) this.#send(entry);
      this.#await(lane);
    }
  }

  /** A message came from a member: it is there again, whatever it has missed before. */
  heard(peer: Identity): void {
    this.#repeats.heard(peer);
  }

  /**
   * The peer acknowledged. Answers the keys of records that may go; none when the acknowledgement is not from the peer
   * that the messages went to (SM16).
   */
  acknowledged(ack: SessionMessage): string[] {
    const lane = this.#answering(ack);
    if (lane === undefined) return [];
    lane.askedSince = undefined;
    lane.read(Math.min(ack.consumed, Math.max(lane.durable, ack.received)));
    // What is not durable here cannot have arrived there.
    const gone = this.#drop(lane, (number) => number <= ack.received && number <= lane.durable);
    if (gone.length > 0 && lane.entries.length > 0) this.#moveOn(lane);
    return gone;
  }

  /** The peer wants none of it. Answers the keys of all records of the direction. */
  rejected(reject: SessionMessage): string[] {
    const lane = this.#answering(reject);
    if (lane === undefined) return [];
    lane.closed = true;
    return this.#drop(lane, () => true);
  }

  /** Up to which number everything is acknowledged, `sent` being the last number given. */
  settled(name: LaneName, sent: number): number {
    const oldest = this.#lanes.get(keyOf(name))?.entries[0];
    return oldest === undefined ? sent : oldest.number - 1;
  }

  /** Whether the session has credit for one more message, `sent` being the last number given. */
  hasCredit(name: LaneName, sent: number, credit: SessionCredit): boolean {
    const lane = this.#lanes.get(keyOf(name));
    return sent - (lane?.consumed ?? 0) < credit.messages && (lane?.unreadBytes ?? 0) < credit.bytes;
  }

  /**
   * Asks what the peer's flow has read, when nothing else would bring the answer: an acknowledgement can get lost, and
   * a restart forgets. `question` is a repeat of a message that the peer has: it answers with what it knows.
   */
  ask(question: SessionMessage, now: number, everyMs: number, withinMs: number): Asked {
    const lane = this.#lane(laneNameOf(question));
    // Unacknowledged messages are sent again anyway.
    if (lane.entries.length > 0 || now - lane.askedAt < everyMs) return 'waiting';
    lane.askedAt = now;
    lane.askedSince ??= now;
    if (now - lane.askedSince >= withinMs) return 'unanswered';
    this.#setup.transmit(question, sessionMessage.encode(question));
    return 'asked';
  }

  /** Drops a message that will not be delivered; answers the key of its record. */
  giveUp(message: SessionMessage): string {
    const lane = this.#lane(laneNameOf(message));
    // The session has failed with it.
    lane.closed = true;
    this.#drop(lane, (number) => number === message.sequence);
    return `${lane.prefix}${message.sequence}`;
  }

  /** The flow of a session has ended: its lane is forgotten when everything is acknowledged or given up. */
  close(name: LaneName): void {
    const lane = this.#lanes.get(keyOf(name));
    if (lane === undefined) return;
    lane.closed = true;
    this.#drop(lane, () => false);
  }

  #send(entry: Entry): void {
    entry.sentAt = this.#setup.clock.now();
    this.#setup.transmit(entry.message, entry.bytes);
  }

  /** The oldest message is sent again when it has waited for a whole pause, and is given up when it expires. */
  #await(lane: Lane): void {
    const [oldest] = lane.entries;
    if (oldest?.sentAt !== undefined) this.#repeats.await(lane, oldest.sentAt, oldest.message.expires);
  }

  /** A pause is over. */
  #repeat(lane: Lane): void {
    const now = this.#setup.clock.now();
    const expired = lane.entries.filter(({ number, message }) => number <= lane.durable && message.expires <= now);
    if (expired.length > 0) this.#setup.onExpired(expired.map(({ message }) => message));
    if (this.#sendAgain(lane)) this.#repeats.repeated(lane);
    this.#await(lane);
  }

  /** The peer takes what it is sent: what has waited for long behind that goes again at once. */
  #moveOn(lane: Lane): void {
    this.#repeats.over(lane);
    this.#sendAgain(lane);
    this.#await(lane);
  }

  /** Of the oldest messages those that have waited for a whole pause; answers whether the oldest is among them. */
  #sendAgain(lane: Lane): boolean {
    const [oldest] = lane.entries;
    if (oldest?.sentAt === undefined || !this.#repeats.isDue(lane, oldest.sentAt)) return false;
    for (const entry of lane.entries.slice(0, repeatedAtOnce)) {
      if (entry.sentAt !== undefined && this.#repeats.isDue(lane, entry.sentAt)) this.#send(entry);
    }
    return true;
  }

  #drop(lane: Lane, when: (number: number) => boolean): string[] {
    const gone = lane.entries.filter(({ number }) => when(number));
    if (gone.length > 0) lane.entries = lane.entries.filter(({ number }) => !when(number));
    this.#count -= gone.length;
    if (lane.entries.length === 0) this.#repeats.over(lane);
    if (lane.closed && lane.entries.length === 0) this.#lanes.delete(keyOf(lane.name));
    return gone.map(({ number }) => `${lane.prefix}${number}`);
  }

  /** The direction that an acknowledgement or refusal speaks of, when it comes from where that goes. */
  #answering(answer: SessionMessage): Lane | undefined {
    const name = answeredBy(answer);
    const lane = this.#lanes.get(keyOf(name));
    if (lane === undefined) return undefined;
    const authentic =
      sameIdentity(lane.name.destination, name.destination) && sameIdentity(lane.name.source, name.source);
    return authentic ? lane : undefined;
  }

  #lane(name: LaneName): Lane {
    const key = keyOf(name);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(name);
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}

/** The direction that a message travels in. */
function laneNameOf(message: SessionMessage): LaneName {
  const { session, direction } = message;
  return { session, direction, source: sourceOf(message), destination: destinationOf(message) };
}

/** The direction that an acknowledgement answers. */
export function answeredBy(answer: SessionMessage): LaneName {
  return {
    session: answer.session,
    direction: opposite(answer.direction),
    source: destinationOf(answer),
    destination: sourceOf(answer),
  };
}

/**
 * The initiator's ids are its own, so they are unique here. Those that peers chose are not: two peers may choose the
 * same one, and only together with both names does it mean one conversation (SM16).
 */
function keyOf({ session, direction, source, destination }: LaneName): string {
  if (direction === 'toResponder') return session;
  return JSON.stringify([session, source.name, source.group, destination.name, destination.group]);
}

function recordNameOf({ session, direction, source, destination }: LaneName): string {
  return direction === 'toResponder' ? `${session}:r` : `${session}:i:${memberId(source)}:${memberId(destination)}`;
}

/**
 * The outbox of sessions: messages for peers, numbered in each session and direction, kept until the peer's
 * acknowledgement. The network between may lose, repeat and reorder; the numbers heal all three.
 */
import { type SessionMessage, sessionMessage } from './session-message.ts';

interface Entry {
  readonly number: number;
  readonly message: SessionMessage;
  readonly bytes: Uint8Array;
}

class Lane {
  entries: Entry[] = [];
  /** What the peer's flow has read, as far as it has told us. */
  consumed: number;
  /** Highest number that may leave: its commit is durable. */
  durable = 0;
  /** Nothing will be added: the lane goes with its last entry. */
  closed = false;

  constructor(consumed: number) {
    this.consumed = consumed;
  }
}

export interface SessionCredit {
  /** Messages that may be unread at the peer. */
  readonly messages: number;
  /** Their bodies' bytes. */
  readonly bytes: number;
}

export const defaultCredit: SessionCredit = { messages: 64, bytes: 1024 * 1024 };

export class SessionOutbox {
  readonly #lanes = new Map<string, Lane>();
  readonly #transmit: (message: SessionMessage, bytes: Uint8Array) => void;
  #count = 0;

  /** `transmit` hands a message to the network; it may get lost there. */
  constructor(transmit: (message: SessionMessage, bytes: Uint8Array) => void) {
    this.#transmit = transmit;
  }

  get size(): number {
    return this.#count;
  }

  /** Keeps a message; answers the record to commit with what caused it. */
  add(message: SessionMessage): { readonly key: string; readonly bytes: Uint8Array } {
    const bytes = sessionMessage.encode(message);
    this.#lane(message).entries.push({ number: message.sequence, message, bytes });
    this.#count++;
    return { key: keyOf(message), bytes };
  }

  /** The commit that carried the message is durable: it may leave (W3). */
  release(message: SessionMessage): void {
    const lane = this.#lane(message);
    lane.durable = Math.max(lane.durable, message.sequence);
    const entry = lane.entries.find(({ number }) => number === message.sequence);
    if (entry !== undefined) this.#transmit(entry.message, entry.bytes);
  }

  /** Puts a record back at restore. */
  restore(bytes: Uint8Array): void {
    const message = sessionMessage.decode(bytes);
    const lane = this.#lane(message);
    lane.closed ||= message.kind === 'close' || message.kind === 'error';
    lane.entries.push({ number: message.sequence, message, bytes });
    lane.durable = Math.max(lane.durable, message.sequence);
    lane.consumed = Math.min(lane.consumed, message.sequence - 1);
    this.#count++;
  }

  /** Everything is read. What the peer has read of the acknowledged part is unknown; taken as all of it. */
  restored(): void {
    for (const lane of this.#lanes.values()) lane.entries.sort((a, b) => a.number - b.number);
  }

  /** The peer acknowledged. Answers the keys of records that may go. */
  acknowledged(ack: SessionMessage): string[] {
    const id = laneOf(ack.session, ack.direction === 'toResponder' ? 'toInitiator' : 'toResponder');
    const lane = this.#lanes.get(id);
    if (lane === undefined) return [];
    lane.consumed = Math.max(lane.consumed, ack.consumed);
    const gone = lane.entries.filter(({ number }) => number <= ack.received);
    lane.entries = lane.entries.filter(({ number }) => number > ack.received);
    this.#count -= gone.length;
    this.#drop(id, lane);
    return gone.map(({ message }) => keyOf(message));
  }

  /** Whether the session has credit for one more message, `sent` being the last number given. */
  hasCredit(session: string, direction: SessionMessage['direction'], sent: number, credit: SessionCredit): boolean {
    const lane = this.#lanes.get(laneOf(session, direction));
    if (lane === undefined) return true;
    if (sent - lane.consumed >= credit.messages) return false;
    let bytes = 0;
    for (const { number, message } of lane.entries) if (number > lane.consumed) bytes += message.body.length;
    return bytes < credit.bytes;
  }

  /** Sends what is unacknowledged again; answers messages that have expired, which are given up. */
  resend(now: number): SessionMessage[] {
    const expired: SessionMessage[] = [];
    for (const lane of this.#lanes.values()) {
      for (const { number, message, bytes } of lane.entries) {
        if (number > lane.durable) continue;
        if (message.expires <= now) expired.push(message);
        else this.#transmit(message, bytes);
      }
    }
    return expired;
  }

  /** Drops a message that will not be delivered; answers the key of its record. */
  giveUp(message: SessionMessage): string {
    const lane = this.#lane(message);
    const before = lane.entries.length;
    lane.entries = lane.entries.filter(({ number }) => number !== message.sequence);
    this.#count -= before - lane.entries.length;
    this.#drop(laneOf(message.session, message.direction), lane);
    return keyOf(message);
  }

  /** The flow of a session has ended: its lane is forgotten when everything is acknowledged or given up. */
  close(session: string, direction: SessionMessage['direction']): void {
    const id = laneOf(session, direction);
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    lane.closed = true;
    this.#drop(id, lane);
  }

  #drop(id: string, lane: Lane): void {
    if (lane.closed && lane.entries.length === 0) this.#lanes.delete(id);
  }

  #lane({ session, direction, sequence }: SessionMessage): Lane {
    const id = laneOf(session, direction);
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = new Lane(sequence - 1);
      this.#lanes.set(id, lane);
    }
    return lane;
  }
}

function laneOf(session: string, direction: SessionMessage['direction']): string {
  return `${session}:${direction === 'toResponder' ? 'r' : 'i'}`;
}

function keyOf({ session, direction, sequence }: SessionMessage): string {
  return `o/${laneOf(session, direction)}/${sequence}`;
}

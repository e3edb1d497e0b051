/**
 * Sessions of the flows of one shard: the sending side with numbers, credit and resends, and the acknowledging side.
 * What arrives is ordered here; what it means to a flow is the engine's.
 */
import type { FlowHead, SessionCause, SessionRecord } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import type { BackoffSettings } from '../../supervisors/index.ts';
import {
  type Asked,
  answeredBy,
  answerTo,
  type Direction,
  type LaneName,
  type SessionAnswer,
  type SessionCredit,
  type SessionMessage,
  SessionOrder,
  SessionOutbox,
  sessionMessage,
} from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowInstance } from './instance.ts';
import { cut } from './limits.ts';
import { isHeard } from './session-record.ts';

export interface SessionSettings {
  readonly credit: SessionCredit;
  /** How long a message is tried before the session has failed, in milliseconds. */
  readonly redeliverMs: number;
  /** An unacknowledged message is sent again after a pause that doubles, and begins anew when the peer is heard. */
  readonly resend: BackoffSettings;
  /** How long a session may be silent, where its protocol does not say it. */
  readonly idleMs: number;
}

export interface SessionsSetup {
  readonly host: ShardHost;
  readonly settings: SessionSettings;
  /** Gives bytes to the peer transport. */
  readonly transmit: (source: Identity, destination: Identity, bytes: Uint8Array) => void;
  /** A message was given up after `redeliverMs`. */
  readonly onExpired: (message: SessionMessage) => void;
}

/** A sender without credit does not ask for it more often. */
const questionEveryMs = 10_000;

const noBytes = new Uint8Array();

export class FlowSessions {
  readonly #setup: SessionsSetup;
  readonly #outbox: SessionOutbox;
  readonly order = new SessionOrder();

  constructor(setup: SessionsSetup) {
    this.#setup = setup;
    const { clock, random, timers } = setup.host;
    this.#outbox = new SessionOutbox({
      ...{ clock, random, timers, pauses: setup.settings.resend },
      transmit: (message, bytes) => this.#transmit(message, bytes),
      onExpired: (messages) => this.#expired(messages),
    });
  }

  get unacknowledged(): number {
    return this.#outbox.size;
  }

  restore(bytes: Uint8Array): void {
    this.#outbox.restore(bytes);
  }

  restored(): void {
    this.#outbox.restored();
  }

  /** A message came from a member. */
  heard(peer: Identity): void {
    this.#outbox.heard(peer);
  }

  /** Directions of sessions that are remembered. */
  get lanes(): number {
    return this.#outbox.lanes;
  }

  hasCredit(flow: FlowInstance, session: SessionRecord): boolean {
    return this.#outbox.hasCredit(laneOf(flow.head, session), session.sent, this.#setup.settings.credit);
  }

  /** A sender without credit asks what its peer has read, in case that was told and got lost. */
  askForCredit({ head }: FlowInstance, session: SessionRecord): Asked {
    const { host, settings } = this.#setup;
    const now = host.clock.now();
    // The newest number is at the peer already, or else it is still being sent and nothing is asked.
    const question = this.#message(head, session, { kind: 'open', type: '', body: noBytes, sequence: session.sent });
    return this.#outbox.ask(question, now, questionEveryMs, settings.redeliverMs);
  }

  /** Sends the next message of a session; it leaves when `changes` are durable. */
  send(
    flow: FlowInstance,
    session: SessionRecord,
    what: Pick<SessionMessage, 'kind' | 'type' | 'body'> & Partial<Pick<SessionMessage, 'cause'>>,
    changes: ChangeSet,
  ): void {
    session.sent++;
    session.active = this.#setup.host.clock.now();
    flow.dirty = true;
    const message = this.#message(flow.head, session, { ...what, sequence: session.sent });
    const { key, bytes } = this.#outbox.add(message);
    changes.put(key, bytes);
    changes.after(() => this.#outbox.release(message));
  }

  /** Ends the own side of a session, if it is open; the peer hears of it where it still can. */
  end(flow: FlowInstance, session: SessionRecord, kind: 'close' | 'error', reason: string, changes: ChangeSet): void {
    if (session.status === 'closed') return;
    if (isHeard(session) && session.peer !== 'failed') {
      this.send(flow, session, { kind, type: cut(reason), body: noBytes }, changes);
    }
    session.status = 'closed';
    flow.dirty = true;
  }

  /** Ends the own side of all sessions of a flow that has ended. */
  endAll(flow: FlowInstance, kind: 'close' | 'error', reason: string, changes: ChangeSet): void {
    for (const session of flow.head.sessions) {
      this.order.forget(flow.id, session.id);
      this.end(flow, session, kind, reason, changes);
      this.#outbox.close(laneOf(flow.head, session));
    }
  }

  /** Says that a session has failed for silence; a peer whose flow is over need not know. */
  expire(flow: FlowInstance, session: SessionRecord, reason: string, changes: ChangeSet): void {
    if (session.refused) return;
    this.send(flow, session, { kind: 'error', type: reason, body: noBytes, cause: 'expired' }, changes);
  }

  /** Tells the peer what is taken and read, once `changes` are durable. */
  acknowledge(message: SessionMessage, received: number, consumed: number, changes: ChangeSet): void {
    changes.after(() => this.#answer(message, { kind: 'ack', received, consumed }));
  }

  /** Tells it again: nothing has changed by the message. */
  acknowledgeAgain(message: SessionMessage, { received, consumed }: SessionRecord, changes: ChangeSet): void {
    changes.repeat(() => this.#answer(message, { kind: 'ack', received, consumed }));
  }

  /** The same for a flow whose end has joined a batch before. */
  acknowledgeEnded(message: SessionMessage, changes: ChangeSet): void {
    const { sequence } = message;
    const ended = wantsToBeRead(message);
    changes.repeat(() => this.#answer(message, { kind: 'ack', received: sequence, consumed: sequence, ended }));
  }

  /** The same for a flow that is over; a sender who wanted to be read is told so. */
  acknowledgeUnread(message: SessionMessage, taken: number, changes: ChangeSet): void {
    const ended = wantsToBeRead(message);
    changes.after(() => this.#answer(message, { kind: 'ack', received: taken, consumed: taken, ended }));
  }

  /** The same for a session of which no message is at hand: its flow has read on. */
  acknowledgeReading(head: FlowHead, session: SessionRecord, changes: ChangeSet): void {
    const { received, consumed } = session;
    const plain = this.#message(head, session, { kind: 'ack', type: '', body: noBytes, sequence: 0 });
    const ack: SessionMessage = { ...plain, received, consumed };
    changes.after(() => this.#transmit(ack, sessionMessage.encode(ack)));
  }

  /** Tells the sender that its message finds nobody. Not kept: the sender asks again until it hears it. */
  reject(message: SessionMessage, cause: SessionCause, reason: string): void {
    this.#answer(message, { kind: 'reject', received: message.sequence, cause, type: reason });
  }

  /** An acknowledgement arrived: the records that may go. */
  acknowledged(ack: SessionMessage): string[] {
    return this.#outbox.acknowledged(ack);
  }

  /** The peer refuses a session: the records that may go, which are all. */
  rejected(message: SessionMessage): string[] {
    return this.#outbox.rejected(message);
  }

  /** The flow that an acknowledgement was for has ended. */
  closeAnswered(ack: SessionMessage): void {
    this.#outbox.close(answeredBy(ack));
  }

  #message(
    head: FlowHead,
    session: SessionRecord,
    what: Pick<SessionMessage, 'kind' | 'type' | 'body' | 'sequence'> & Partial<Pick<SessionMessage, 'cause'>>,
  ): SessionMessage {
    const { host, settings } = this.#setup;
    const now = host.clock.now();
    return {
      protocol: session.protocol,
      version: session.version,
      session: session.id,
      direction: directionOf(session),
      kind: what.kind,
      sequence: what.sequence,
      sourceName: head.memberName,
      sourceGroup: head.memberGroup,
      destinationName: session.peerName,
      destinationGroup: session.peerGroup,
      trace: head.trace,
      created: now,
      expires: now + settings.redeliverMs,
      type: what.type,
      body: what.body,
      received: 0,
      consumed: 0,
      acknowledged: this.#outbox.settled(laneOf(head, session), what.sequence - 1),
      cause: what.cause ?? 'failed',
      ended: false,
    };
  }

  #answer(message: SessionMessage, answer: SessionAnswer): void {
    const back = answerTo(message, answer, this.#setup.host.clock.now());
    this.#transmit(back, sessionMessage.encode(back));
  }

  #transmit(message: SessionMessage, bytes: Uint8Array): void {
    this.#setup.transmit(
      { name: message.sourceName, group: message.sourceGroup },
      { name: message.destinationName, group: message.destinationGroup },
      bytes,
    );
  }

  /** Nobody has acknowledged them in time. */
  #expired(messages: readonly SessionMessage[]): void {
    const changes = new ChangeSet();
    for (const message of messages) changes.remove(this.#outbox.giveUp(message));
    this.#setup.host.add(changes);
    for (const message of messages) this.#setup.onExpired(message);
  }
}

function wantsToBeRead({ kind }: SessionMessage): boolean {
  return kind === 'data' || kind === 'open';
}

function laneOf(head: FlowHead, session: SessionRecord): LaneName {
  return {
    session: session.id,
    direction: directionOf(session),
    source: { name: head.memberName, group: head.memberGroup },
    destination: { name: session.peerName, group: session.peerGroup },
  };
}

/** Where messages of this end go. */
function directionOf(session: SessionRecord): Direction {
  return session.role === 'initiator' ? 'toResponder' : 'toInitiator';
}

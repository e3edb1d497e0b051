/**
 * Session messages that arrive at a shard: each finds its flow, or starts the one that answers, is put in order,
 * delivered once, and acknowledged when that is durable.
 */
import { isTerminal, type SessionRecord } from '../../persistence/index.ts';
import { type Identity, sameIdentity } from '../../ports/index.ts';
import {
  type Direction,
  destinationOf,
  type SessionMessage,
  sessionMessage,
  sourceOf,
} from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowActs } from './acts.ts';
import type { FlowEngine } from './engine.ts';
import type { FlowTable } from './flow-table.ts';
import { responderRoutingKey, routingKeyOf } from './ids.ts';
import { type FlowInstance, peerOf } from './instance.ts';
import type { Registry } from './registry.ts';
import { failSession } from './session-record.ts';
import { SessionRefusals } from './session-refusals.ts';
import { SessionResponders } from './session-responders.ts';
import type { FlowSessions } from './sessions.ts';

export interface SessionInputsSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly engine: FlowEngine;
  readonly sessions: FlowSessions;
  readonly table: FlowTable;
  readonly acts: FlowActs;
  readonly creditMessages: number;
}

export class SessionInputs {
  readonly #setup: SessionInputsSetup;
  readonly #host: ShardHost;
  readonly #engine: FlowEngine;
  readonly #sessions: FlowSessions;
  readonly #table: FlowTable;
  readonly #refusals: SessionRefusals;
  readonly #responders: SessionResponders;
  /** Messages that came from another than the peer of their session. */
  #forged = 0;
  /** Those that came too late. */
  #discarded = 0;

  constructor(setup: SessionInputsSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.#engine = setup.engine;
    this.#sessions = setup.sessions;
    this.#table = setup.table;
    this.#refusals = new SessionRefusals(setup.host, setup.sessions);
    this.#responders = new SessionResponders({ ...setup, refusals: this.#refusals });
  }

  /** Messages that were discarded, refused with an answer or without one, and that a stranger has sent. */
  get counts() {
    return { ...this.#refusals.counts, discarded: this.#discarded, forged: this.#forged };
  }

  /** A message from the peer transport, in bytes. */
  arrived(bytes: Uint8Array): void {
    const message = sessionMessage.decode(bytes);
    switch (message.kind) {
      case 'ack':
        this.#acknowledged(message);
        break;
      case 'reject':
        this.#rejected(message);
        break;
      default:
        this.#numbered(message);
    }
    // Behind it: what it has acknowledged need not be sent again.
    this.#sessions.heard(sourceOf(message));
  }

  #numbered(message: SessionMessage): void {
    // A message older than any dedupe record could name a flow that is forgotten (W4).
    if (message.expires <= this.#host.clock.now()) {
      this.#discarded++;
      return;
    }
    const changes = new ChangeSet();
    const receiver = this.#receiverOf(message);
    switch (receiver) {
      case 'parked':
        // Sent again until a worker that can read its flow takes the shard.
        return;
      case 'ended':
        this.#countUnread(message);
        this.#sessions.acknowledgeEnded(message, changes);
        break;
      case 'forgotten':
        this.#refusals.forgotten(message, changes);
        break;
      case 'new':
        this.#begin(message, changes);
        break;
      default:
        this.#deliver(receiver, message, changes);
    }
    if (!changes.empty) this.#host.add(changes);
  }

  /** Whom a message is for. */
  #receiverOf(message: SessionMessage): FlowInstance | 'new' | 'parked' | 'ended' | 'forgotten' {
    const id = this.#flowAt(message.direction, sourceOf(message), destinationOf(message), message.session);
    if (id === undefined) {
      // Whoever has had an answer here opened the session long ago; else its first message may have been overtaken.
      return message.acknowledged > 0 ? 'forgotten' : 'new';
    }
    const flow = this.#table.find(id);
    if (flow !== undefined) return flow;
    if (this.#table.parked(id)) return 'parked';
    return this.#table.known(routingKeyOf(id))?.flowId === id ? 'ended' : 'forgotten';
  }

  /** Id of the flow at an end of a session; undefined for one that answers and is not known. */
  #flowAt(direction: Direction, source: Identity, destination: Identity, session: string): string | undefined {
    if (direction === 'toInitiator') return session.split('.', 1)[0] ?? '';
    return this.#table.known(responderRoutingKey(destination, source, session))?.flowId;
  }

  #begin(message: SessionMessage, changes: ChangeSet): void {
    if (message.kind === 'close' || message.kind === 'error') {
      // An end without a beginning starts nothing. Behind a beginning that it overtook it is sent again.
      if (message.sequence === 1) this.#tooLate(message, changes);
      return;
    }
    const flow = this.#responders.start(message, changes);
    if (flow === undefined) return;
    if (isTerminal(flow.head.status)) this.#tooLate(message, changes);
    else this.#deliver(flow, message, changes);
  }

  #deliver(flow: FlowInstance, message: SessionMessage, changes: ChangeSet): void {
    if (flow.session(message.session) === undefined) {
      this.#refusals.forgotten(message, changes);
      return;
    }
    const session = this.#sessionOf(flow, message);
    if (session === undefined) return;
    const unread = session.received - session.consumed;
    if (unread >= 2 * this.#setup.creditMessages) return;
    if (message.sequence <= session.received) this.#host.meter.count('repeatedMessage');
    for (const due of this.#sessions.order.arrive(flow.id, message, session.received)) {
      if (due.kind === 'data' && session.peer !== 'open') {
        this.#refuseLate(session, due, changes);
        break;
      }
      this.#take(flow, session, due);
    }
    const changed = flow.dirty;
    if (changed) this.#engine.absorb(flow, changes);
    if (flow.closing) this.#sessions.acknowledgeUnread(message, session.received, changes);
    else if (changed) this.#sessions.acknowledge(message, session.received, session.consumed, changes);
    else this.#sessions.acknowledgeAgain(message, session, changes);
  }

  /** The next message of a session, in order. */
  #take(flow: FlowInstance, session: SessionRecord, message: SessionMessage): void {
    const { kind, sequence: number, type, body } = message;
    session.received = number;
    session.active = this.#host.clock.now();
    flow.dirty = true;
    if (kind === 'data') {
      flow.unread.push({ place: flow.head.nextInbox++, session: session.id, number, type, body, stored: false });
      return;
    }
    // Whatever else stands in the numbering has no reader: it counts as read when it is taken.
    if (session.consumed === number - 1) session.consumed = number;
    if (session.peer === 'failed') return;
    if (kind === 'close') session.peer = 'closed';
    if (kind === 'error') failSession(session, message.cause, type);
  }

  /** Data for a session that has ended here, while its flow goes on (SM11). */
  #refuseLate({ peer, cause, peerError }: SessionRecord, message: SessionMessage, changes: ChangeSet): void {
    if (peer === 'closed')
      this.#refusals.refuse(message, 'failed', 'it was sent after the session was closed', changes);
    else this.#refusals.refuse(message, cause, `it has failed there: ${peerError}`, changes);
  }

  /** A flow that has ended takes nothing: its farewells are on their way, and nobody reads on (SM11). */
  #tooLate(message: SessionMessage, changes: ChangeSet): void {
    this.#countUnread(message);
    this.#sessions.acknowledgeUnread(message, message.sequence, changes);
  }

  #countUnread({ kind }: SessionMessage): void {
    if (kind === 'data') this.#discarded++;
  }

  #acknowledged(ack: SessionMessage): void {
    const gone = this.#sessions.acknowledged(ack);
    if (gone.length > 0) {
      const changes = new ChangeSet();
      for (const key of gone) changes.remove(key);
      this.#host.add(changes);
    }
    const flow = this.#senderOf(ack);
    if (flow === undefined) this.#sessions.closeAnswered(ack);
    else if (ack.ended) this.#unread(flow, ack);
    // Credit may have come back.
    else if (flow.waitsOn('credit')) this.#engine.wake(flow);
  }

  /** The peer's flow is over: what it said before is still on its way, but it takes nothing more (SM11). */
  #unread(flow: FlowInstance, ack: SessionMessage): void {
    const session = this.#sessionOf(flow, ack);
    if (session === undefined || session.refused) return;
    session.refused = true;
    flow.dirty = true;
    const changes = new ChangeSet();
    this.#engine.absorb(flow, changes);
    this.#host.add(changes);
  }

  /** The flow that an answer is for. */
  #senderOf(answer: SessionMessage): FlowInstance | undefined {
    const { direction, session } = answer;
    return this.#table.find(this.#flowAt(direction, sourceOf(answer), destinationOf(answer), session) ?? '');
  }

  /** A message of ours was given up. */
  expired(message: SessionMessage): void {
    const back = message.direction === 'toResponder' ? 'toInitiator' : 'toResponder';
    const id = this.#flowAt(back, destinationOf(message), sourceOf(message), message.session);
    const flow = this.#table.find(id ?? '');
    const session = flow?.session(message.session);
    if (flow === undefined || session?.peer !== 'open') return;
    const changes = new ChangeSet();
    failSession(session, 'failed', 'the peer could not be reached in time');
    flow.dirty = true;
    this.#engine.absorb(flow, changes);
    this.#host.add(changes);
  }

  /** What was sent finds nobody: it need not be sent again, and its flow is told at its next operation. */
  #rejected(message: SessionMessage): void {
    const flow = this.#senderOf(message);
    const known = flow?.session(message.session) !== undefined;
    const session = flow !== undefined && known ? this.#sessionOf(flow, message) : undefined;
    if (known && session === undefined) return;
    const changes = new ChangeSet();
    for (const key of this.#sessions.rejected(message)) changes.remove(key);
    const fails = session?.peer === 'open';
    if (flow !== undefined && session !== undefined && (fails || !session.refused)) {
      session.refused = true;
      if (fails) failSession(session, message.cause, message.type);
      flow.dirty = true;
      this.#engine.absorb(flow, changes);
    }
    if (!changes.empty) this.#host.add(changes);
  }

  /** The session of a flow that a message belongs to; undefined, and counted, when it is not from its peer (SM16). */
  #sessionOf(flow: FlowInstance, message: SessionMessage): SessionRecord | undefined {
    const session = flow.session(message.session);
    if (
      session !== undefined &&
      sameIdentity(peerOf(session), sourceOf(message)) &&
      sameIdentity(flow.member, destinationOf(message))
    ) {
      return session;
    }
    this.#forged++;
    this.#host.log.warn({ flowId: flow.id, source: message.sourceName }, 'refused a session message of a stranger');
    return undefined;
  }
}

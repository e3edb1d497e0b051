/**
 * Session messages that arrive at a shard: each finds its flow, or starts the one that answers, is put in order,
 * delivered once, and acknowledged when that is durable.
 */
import { encodeValue, type SessionCause, type SessionRecord } from '../../persistence/index.ts';
import { type Authority, type Identity, sameIdentity } from '../../ports/index.ts';
import { destinationOf, type SessionMessage, sessionMessage, sourceOf } from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { type FlowActs, hashOnly } from './acts.ts';
import type { AnyFlow } from './definition.ts';
import type { FlowEngine } from './engine.ts';
import type { FlowTable } from './flow-table.ts';
import { bodyHash, responderRoutingKey } from './ids.ts';
import { type FlowInstance, peerOf } from './instance.ts';
import type { Registry } from './registry.ts';
import { failSession, newSession } from './session-record.ts';
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
  readonly #registry: Registry;
  readonly #engine: FlowEngine;
  readonly #sessions: FlowSessions;
  readonly #table: FlowTable;
  readonly counts = { discarded: 0, forged: 0 };

  constructor(setup: SessionInputsSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.#registry = setup.registry;
    this.#engine = setup.engine;
    this.#sessions = setup.sessions;
    this.#table = setup.table;
  }

  /** A message from the peer transport, in bytes. */
  arrived(bytes: Uint8Array): void {
    const message = sessionMessage.decode(bytes);
    switch (message.kind) {
      case 'ack':
        this.#acknowledged(message);
        return;
      case 'reject':
        this.#rejected(message);
        return;
      default:
        this.#sessionMessage(message);
    }
  }

  #sessionMessage(message: SessionMessage): void {
    // A message older than any dedupe record could name a flow that is forgotten (W4).
    if (message.expires <= this.#host.clock.now()) {
      this.counts.discarded++;
      return;
    }
    const changes = new ChangeSet();
    const known = this.#receiverOf(message);
    const flow = known === undefined ? this.#respond(message, changes) : this.#table.find(known);
    if (flow === undefined) {
      if (known === undefined || this.#table.parked(known)) return;
      // The flow has ended: it wants nothing more, and its peer need not send it again (FE4).
      // Farewells cross each other at every ordinary end; only what somebody wanted to be read is counted.
      if (message.kind === 'data') this.counts.discarded++;
      this.#sessions.acknowledge(message, message.sequence, message.sequence, changes);
      this.#host.add(changes);
      return;
    }
    this.#deliver(flow, message, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  #deliver(flow: FlowInstance, message: SessionMessage, changes: ChangeSet): void {
    const session = this.#sessionOf(flow, message);
    if (session === undefined) return;
    const unread = session.received - session.consumed;
    if (unread >= 2 * this.#setup.creditMessages) return;
    for (const due of this.#sessions.order.arrive(flow.id, message, session.received)) {
      session.received = due.sequence;
      session.active = this.#host.clock.now();
      flow.dirty = true;
      if (due.kind === 'data') {
        const { session: id, sequence: number, type, body } = due;
        flow.unread.push({ place: flow.head.nextInbox++, session: id, number, type, body, stored: false });
      } else {
        // Whatever else stands in the numbering has no reader: it counts as read when it is taken.
        if (session.consumed === due.sequence - 1) session.consumed = due.sequence;
        if (due.kind === 'close') session.peer = 'closed';
        if (due.kind === 'error') failSession(session, sessionCause(due), due.type);
      }
    }
    if (flow.dirty) {
      this.#engine.absorb(flow, changes);
    }
    this.#sessions.acknowledge(message, session.received, session.consumed, changes);
  }

  /** The flow that a message is for, ended or not; undefined when a session is new to its responder. */
  #receiverOf(message: SessionMessage): string | undefined {
    if (message.direction === 'toInitiator') return flowOf(message);
    return this.#table.known(responderRoutingKey(destinationOf(message), sourceOf(message), message.session))?.flowId;
  }

  /** Starts the flow that answers a new session. */
  #respond(message: SessionMessage, changes: ChangeSet): FlowInstance | undefined {
    const member = destinationOf(message);
    const { protocol, version, session, sequence, trace } = message;
    const definition = this.#registry.responder(member, protocol);
    if (definition?.responds === undefined || definition.responds.version !== version) {
      const known = definition?.responds;
      const why = known === undefined ? 'it answers no version of it' : `it answers version ${known.version}`;
      this.#sessions.reject(message, 'unanswered', why);
      return undefined;
    }
    // Messages that overtook the first one are sent again.
    if (sequence !== 1) return undefined;
    const peer = sourceOf(message);
    const input = this.#inputFor(definition, peer);
    if (input === undefined) {
      this.#sessions.reject(message, 'failed', `the flow of ${member.name} that answers ${protocol} cannot be started`);
      return undefined;
    }
    const flow = this.#table.create({
      routingKey: responderRoutingKey(member, peer, session),
      member,
      name: definition.name,
      version: definition.version,
      clientRequestId: '',
      input,
      inputHash: bodyHash(input),
      trace,
    });
    const authority: Authority = {
      principal: { name: `member:${peer.name}`, kind: 'member' },
      reason: `session ${session}`,
    };
    this.#setup.acts.done(flow, 'start', authority, changes, { after: hashOnly(input) });
    const now = this.#host.clock.now();
    const { responds } = definition;
    flow.head.sessions.push(newSession({ id: session, role: 'responder', name: '', peer, protocol: responds, now }));
    this.#engine.accept(flow, changes);
    return flow;
  }

  /** A flow that answers a session is told who opened it, in the shape that its own schema asks for. */
  #inputFor(definition: AnyFlow, { name, group }: Identity): Uint8Array | undefined {
    try {
      const parsed = definition.states.start.parse({ from: { name, group } });
      return encodeValue(parsed, 'the input of an answering flow');
    } catch (error) {
      this.#host.log.error(
        { flow: definition.name, err: error },
        'the start state of an answering flow has to accept { from: { name, group } }',
      );
      return undefined;
    }
  }

  #acknowledged(ack: SessionMessage): void {
    const gone = this.#sessions.acknowledged(ack);
    if (gone.length > 0) {
      const changes = new ChangeSet();
      for (const key of gone) changes.remove(key);
      this.#host.add(changes);
    }
    const flow = this.#table.find(this.#senderOf(ack) ?? '');
    if (flow === undefined) this.#sessions.closeAnswered(ack);
    // Credit may have come back.
    else if (flow.waitsOn('credit')) this.#engine.wake(flow);
  }

  #senderOf(ack: SessionMessage): string | undefined {
    if (ack.direction === 'toInitiator') return flowOf(ack);
    return this.#table.known(responderRoutingKey(destinationOf(ack), sourceOf(ack), ack.session))?.flowId;
  }

  /** A message of ours was given up. */
  expired(message: SessionMessage): void {
    const id =
      message.direction === 'toResponder'
        ? flowOf(message)
        : this.#table.known(responderRoutingKey(sourceOf(message), destinationOf(message), message.session))?.flowId;
    const flow = this.#table.find(id ?? '');
    const session = flow?.session(message.session);
    if (flow === undefined || session === undefined) return;
    const changes = new ChangeSet();
    this.#peerFailed(flow, session, 'failed', 'the peer could not be reached in time', changes);
    if (!changes.empty) this.#host.add(changes);
  }

  /** Nobody answers the protocol there: the session has failed, and what was sent need not be sent again. */
  #rejected(message: SessionMessage): void {
    if (message.direction !== 'toInitiator') {
      this.counts.discarded++;
      return;
    }
    const flow = this.#table.find(flowOf(message));
    const session = flow === undefined ? undefined : this.#sessionOf(flow, message);
    if (flow !== undefined && session === undefined) return;
    const changes = new ChangeSet();
    for (const key of this.#sessions.rejected(message)) changes.remove(key);
    if (flow !== undefined && session !== undefined) {
      this.#peerFailed(flow, session, sessionCause(message), message.type, changes);
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
    this.counts.forged++;
    this.#host.log.warn({ flowId: flow.id, source: message.sourceName }, 'refused a session message of a stranger');
    return undefined;
  }

  #peerFailed(
    flow: FlowInstance,
    session: SessionRecord,
    cause: SessionCause,
    reason: string,
    changes: ChangeSet,
  ): void {
    if (session.peer !== 'open') return;
    failSession(session, cause, reason);
    flow.dirty = true;
    this.#engine.absorb(flow, changes);
  }
}

/** How a session has failed, as its peer says. */
function sessionCause({ cause }: SessionMessage): SessionCause {
  return cause === 'ended' ? 'failed' : cause;
}

/** The flow that opened a session: its id is the first part of the session's. */
function flowOf({ session }: SessionMessage): string {
  return session.split('.', 1)[0] ?? '';
}

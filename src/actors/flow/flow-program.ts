/**
 * The flow service on one shard: takes inputs in (starts, operators' acts, messages of sessions and actors), finds the
 * flow or actor that each is for, and lets the engine advance it. Start dedupe, flow ids and session order are decided
 * here, in the same commit as what they lead to.
 */
import { WeirError } from '../../errors/index.ts';
import {
  encodeValue,
  type FlowHead,
  flowHead,
  isTerminal,
  journalEntry,
  unreadRecord,
} from '../../persistence/index.ts';
import type { Action, Authority, Authorize, Identity } from '../../ports/index.ts';
import { memberId, sameIdentity } from '../../ports/index.ts';
import { destinationOf, type SessionMessage, StartDedupe, sessionMessage, sourceOf } from '../session-manager/index.ts';
import { ChangeSet, partitionOf, type ShardHost, type ShardProgram } from '../shard/index.ts';
import { ActorHost } from './actor-host.ts';
import { type ActorMessage, actorMessage } from './actor-message.ts';
import { describe } from './describe.ts';
import { FlowEngine } from './engine.ts';
import { bodyHash, clientRoutingKey, flowIdOf, responderRoutingKey, routingKeyOf } from './ids.ts';
import { FlowInstance, headKey } from './instance.ts';
import { type Answer, type FlowRequest, serviceKinds } from './protocol.ts';
import type { Registry } from './registry.ts';
import { FlowSessions, type SessionSettings } from './sessions.ts';
import { decodeStart } from './start-record.ts';

export interface FlowSettings {
  readonly sessions: SessionSettings;
  /** How long an ended flow, and with it its client request id, is remembered, in milliseconds. */
  readonly retentionMs: number;
  /** Hot generators kept in one shard; beyond it the longest waiting flows are passivated. */
  readonly maxHot: number;
}

export interface FlowProgramSetup {
  readonly registry: Registry;
  readonly settings: FlowSettings;
  readonly statusTopic: string;
  readonly authorize: Authorize;
  readonly transmit: (source: Identity, destination: Identity, bytes: Uint8Array) => void;
}

const noBytes = new Uint8Array();
/** Ended flows that one sweep forgets; the next one follows at once. */
const expireAtOnce = 500;

export function flowProgram(setup: FlowProgramSetup): (host: ShardHost) => ShardProgram<FlowRequest> {
  return (host) => new FlowProgram(setup, host);
}

class FlowProgram implements ShardProgram<FlowRequest> {
  readonly #setup: FlowProgramSetup;
  readonly #host: ShardHost;
  readonly #engine: FlowEngine;
  readonly #sessions: FlowSessions;
  readonly #actors: ActorHost;
  readonly #dedupe = new StartDedupe();
  /** Unfinished flows. */
  readonly #flows = new Map<string, FlowInstance>();
  readonly #hot = new Set<FlowInstance>();
  #expiryArmed = false;
  readonly #counts = { started: 0, ended: 0, discarded: 0, forged: 0, unreadable: 0 };

  constructor(setup: FlowProgramSetup, host: ShardHost) {
    this.#setup = setup;
    this.#host = host;
    const { registry, statusTopic, transmit } = setup;
    this.#sessions = new FlowSessions({
      host,
      settings: setup.settings.sessions,
      transmit,
      onExpired: (message) => this.#expired(message),
    });
    this.#engine = new FlowEngine({
      host,
      registry,
      sessions: this.#sessions,
      statusTopic,
      onEnded: (flow) => this.#ended(flow),
    });
    this.#actors = new ActorHost(host, registry);
  }

  // --- restore

  restore(key: string, value: Uint8Array): void {
    try {
      this.#restore(key, value);
    } catch (error) {
      // A record of a newer version is parked: it stays in the log as it is, and is counted where it can be seen.
      if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
      this.#counts.unreadable++;
      this.#host.log.error({ key, error: error.message }, 'parked an unreadable record');
    }
  }

  #restore(key: string, value: Uint8Array): void {
    const [kind, id = '', visit = '', place = ''] = key.split('/');
    switch (kind) {
      case 'c':
        if (id.startsWith('@')) this.#actors.restore(id, value);
        else this.#restoreHead(id, flowHead.decode(value));
        return;
      case 'j': {
        const flow = this.#flows.get(id);
        if (flow?.head.visit === Number(visit)) flow.journal[Number(place)] = journalEntry.decode(value);
        return;
      }
      case 'i': {
        const message = unreadRecord.decode(value);
        this.#flows.get(id)?.unread.push({ ...message, place: Number(visit), stored: true });
        return;
      }
      case 'o':
        this.#sessions.restore(value);
        return;
      default:
        throw new WeirError('WEIR_RECORD_UNREADABLE', { what: key, why: 'this version knows no such key' });
    }
  }

  #restoreHead(id: string, head: FlowHead): void {
    this.#dedupe.started(routingKeyOf(id), id, printOf(head.flow, head.inputHash));
    if (isTerminal(head.status)) {
      this.#dedupe.finished(routingKeyOf(id), id, head.updated);
      return;
    }
    const flow = new FlowInstance(id, head);
    flow.definition = this.#setup.registry.flow(flow.member, head.flow);
    this.#flows.set(id, flow);
  }

  restored(): void {
    this.#dedupe.sort();
    this.#sessions.restored();
    for (const flow of this.#flows.values()) {
      flow.unread.sort((a, b) => a.place - b.place);
      if (flow.head.status === 'RUNNING') this.#engine.rearm(flow);
      else flow.waiting = { what: 'operator', label: flow.head.fault?.code ?? '', due: undefined };
    }
    this.#armExpiry();
  }

  // --- requests of this worker

  local(message: FlowRequest): void {
    switch (message.type) {
      case 'start':
        this.#start(message);
        return;
      case 'retry':
      case 'kill':
        this.#operate(message);
        return;
      case 'describe': {
        const flow = this.#flows.get(message.flowId);
        message.replyTo.tell(flow === undefined ? this.#notFound(message.flowId) : ok(describe(flow)));
        return;
      }
      case 'waiting': {
        const flows = [...this.#flows.values()].slice(0, message.limit);
        message.replyTo.tell(ok(flows.map(describe)));
        return;
      }
      case 'ask':
        this.#askActor(message);
    }
  }

  refuse(message: FlowRequest): void {
    const error = new WeirError('WEIR_SHARD_UNAVAILABLE', { partition: this.#host.partition });
    message.replyTo?.tell({ type: 'error', error });
  }

  #start(request: Extract<FlowRequest, { type: 'start' }>): void {
    const { member, flow: name, clientRequestId, input, authority, trace, replyTo } = request;
    const denied = this.#denied(authority, 'flow.start', member, name);
    if (denied !== undefined) return void replyTo?.tell({ type: 'error', error: denied });
    const routingKey = clientRoutingKey(member, clientRequestId);
    const inputHash = bodyHash(input);
    const changes = new ChangeSet();
    const known = this.#dedupe.find(routingKey);
    if (known !== undefined) {
      const { flowId, print } = known;
      if (print !== printOf(name, inputHash)) {
        const error = new WeirError('WEIR_FLOW_CONFLICT', { clientRequestId, flowId });
        return void replyTo?.tell({ type: 'error', error });
      }
      // The first request may not be durable yet: the answer leaves with a commit behind its own (W8).
      changes.after(() => replyTo?.tell(ok({ flowId, created: false })));
      this.#host.add(changes);
      return;
    }
    const definition = this.#setup.registry.flow(member, name);
    if (definition === undefined) {
      const error = new WeirError('WEIR_FLOW_UNKNOWN', { member: member.name, flow: name });
      return void replyTo?.tell({ type: 'error', error });
    }
    if (this.#host.congested()) {
      return void replyTo?.tell({
        type: 'error',
        error: new WeirError('WEIR_SHARD_BUSY', { partition: this.#host.partition }),
      });
    }
    const flow = this.#create(routingKey, member, name, definition.version, {
      clientRequestId,
      input,
      inputHash,
      trace,
    });
    flow.definition = definition;
    flow.head.acts.push(this.#act('start', authority));
    this.#engine.accept(flow, changes);
    this.#heat(flow);
    // Told only when it is durable (W8).
    changes.after(() => replyTo?.tell(ok({ flowId: flow.id, created: true })));
    this.#host.add(changes);
  }

  #operate({ type, flowId, authority, replyTo }: Extract<FlowRequest, { type: 'retry' | 'kill' }>): void {
    const flow = this.#flows.get(flowId);
    if (flow === undefined) return void replyTo.tell(this.#notFound(flowId));
    const { head } = flow;
    const denied = this.#denied(authority, `flow.${type}`, flow.member, head.flow, flowId);
    if (denied !== undefined) return void replyTo.tell({ type: 'error', error: denied });
    if (type === 'retry' && head.status !== 'STUCK') {
      const error = new WeirError('WEIR_FLOW_NOT_STUCK', { flowId, status: head.status });
      return void replyTo.tell({ type: 'error', error });
    }
    const changes = new ChangeSet();
    head.acts.push(this.#act(type, authority));
    if (type === 'kill') this.#engine.kill(flow, authority.reason, changes);
    else this.#engine.retry(flow, changes);
    const { status } = head;
    changes.after(() => replyTo.tell(ok(status)));
    this.#host.add(changes);
  }

  #askActor(request: Extract<FlowRequest, { type: 'ask' }>): void {
    const { member, actor, key, message, body, replyTo } = request;
    const changes = new ChangeSet();
    const outcome = this.#actors.handle({ member, actor, key, type: message, body }, changes);
    changes.after(() => {
      if (outcome.type === 'reply') replyTo.tell(ok(outcome.body));
      else {
        const { code, message: why } = outcome.fault;
        replyTo.tell({
          type: 'error',
          error: new WeirError('WEIR_ACTOR_REFUSED', { actor, type: message, code, why }),
        });
      }
    });
    this.#host.add(changes);
  }

  // --- messages between shards

  receive(bytes: Uint8Array, changes: ChangeSet): void {
    let message: ActorMessage;
    try {
      message = actorMessage.decode(bytes);
    } catch (error) {
      // Absorbed and kept, so that the stream goes on behind it.
      this.#counts.unreadable++;
      this.#host.log.error({ error: String(error) }, 'parked an unreadable message of another shard');
      changes.put(`d/${this.#host.commitNumber()}.${this.#counts.unreadable}`, bytes);
      return;
    }
    if (message.kind === 'answer') {
      const flow = this.#flows.get(message.flow);
      const outcome = message.fault === null ? { value: message.body } : { fault: message.fault };
      const taken = flow !== undefined && this.#engine.answered(flow, message.request, outcome, changes);
      if (!taken) this.#counts.discarded++;
      return;
    }
    const member = { name: message.memberName, group: message.memberGroup };
    const { actor, key, type, body, kind, request } = message;
    const outcome = this.#actors.handle({ member, actor, key, type, body }, changes);
    if (kind === 'tell') {
      if (outcome.type === 'refused')
        this.#host.log.warn({ actor, key, type, error: outcome.fault.message }, 'a persistent actor refused a message');
      return;
    }
    const answer: ActorMessage = {
      ...message,
      kind: 'answer',
      request,
      body: outcome.type === 'reply' ? outcome.body : noBytes,
      fault: outcome.type === 'refused' ? outcome.fault : null,
    };
    changes.send(partitionOf(routingKeyOf(message.flow), this.#host.partitions), actorMessage.encode(answer));
  }

  // --- messages of sessions

  service(kind: string, bytes: Uint8Array): void {
    switch (kind) {
      case serviceKinds.start:
        this.#start({ type: 'start', ...decodeStart(bytes), replyTo: undefined });
        return;
      case serviceKinds.session:
        this.#session(bytes);
        return;
      default:
        this.#counts.discarded++;
    }
  }

  #session(bytes: Uint8Array): void {
    const message = sessionMessage.decode(bytes);
    switch (message.kind) {
      case 'ack':
        this.#acknowledged(message);
        return;
      case 'reject': {
        const flow = this.#flows.get(flowOf(message));
        if (flow !== undefined) this.#peerFailed(flow, message, message.type);
        return;
      }
      default:
        this.#sessionMessage(message);
    }
  }

  #sessionMessage(message: SessionMessage): void {
    // A message older than any dedupe record could name a flow that is forgotten (W4).
    if (message.expires <= this.#host.clock.now()) {
      this.#counts.discarded++;
      return;
    }
    const changes = new ChangeSet();
    const known = this.#receiverOf(message);
    const flow = known === undefined ? this.#respond(message, changes) : this.#flows.get(known);
    if (flow === undefined) {
      if (known === undefined) return;
      // The flow has ended: it wants nothing more, and its peer need not send it again (FE4).
      this.#counts.discarded++;
      this.#sessions.acknowledge(message, message.sequence, message.sequence, changes);
      this.#host.add(changes);
      return;
    }
    this.#deliver(flow, message, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  #deliver(flow: FlowInstance, message: SessionMessage, changes: ChangeSet): void {
    const session = flow.session(message.session);
    const peer = session === undefined ? undefined : { name: session.peerName, group: session.peerGroup };
    if (session === undefined || peer === undefined || !sameIdentity(peer, sourceOf(message))) {
      this.#counts.forged++;
      this.#host.log.warn({ flowId: flow.id, source: message.sourceName }, 'refused a session message of a stranger');
      return;
    }
    const unread = session.received - session.consumed;
    if (unread >= 2 * this.#setup.settings.sessions.credit.messages) return;
    for (const due of this.#sessions.order.arrive(message, session.received)) {
      session.received = due.sequence;
      flow.dirty = true;
      if (due.kind === 'data') {
        const { session: id, sequence: number, type, body } = due;
        flow.unread.push({ place: flow.head.nextInbox++, session: id, number, type, body, stored: false });
      } else {
        // Whatever else stands in the numbering has no reader: it counts as read when it is taken.
        if (session.consumed === due.sequence - 1) session.consumed = due.sequence;
        if (due.kind === 'close') session.peer = 'closed';
        if (due.kind === 'error') {
          session.peer = 'failed';
          session.peerError = due.type;
        }
      }
    }
    if (flow.dirty) {
      this.#engine.absorb(flow, changes);
      this.#heat(flow);
    }
    this.#sessions.acknowledge(message, session.received, session.consumed, changes);
  }

  /** The flow that a message is for, ended or not; undefined when a session is new to its responder. */
  #receiverOf(message: SessionMessage): string | undefined {
    if (message.direction === 'toInitiator') return flowOf(message);
    return this.#dedupe.find(responderRoutingKey(destinationOf(message), sourceOf(message), message.session))?.flowId;
  }

  /** Starts the flow that answers a new session. */
  #respond(message: SessionMessage, changes: ChangeSet): FlowInstance | undefined {
    const member = destinationOf(message);
    const { protocol, version, session, sequence, trace } = message;
    const definition = this.#setup.registry.responder(member, protocol);
    if (definition?.responds === undefined || definition.responds.version !== version) {
      this.#sessions.reject(message, `${member.name} answers no protocol ${protocol} version ${version}`);
      return undefined;
    }
    // Messages that overtook the first one are sent again.
    if (sequence !== 1) return undefined;
    const peer = sourceOf(message);
    const routingKey = responderRoutingKey(member, peer, session);
    const input = startInput(peer);
    const parts = { clientRequestId: '', input, inputHash: bodyHash(input), trace };
    const flow = this.#create(routingKey, member, definition.name, definition.version, parts);
    flow.definition = definition;
    flow.head.acts.push(
      this.#act('start', { principal: { name: `member:${peer.name}`, kind: 'member' }, reason: `session ${session}` }),
    );
    flow.head.sessions.push({
      id: session,
      name: '',
      role: 'responder',
      protocol,
      version,
      peerName: peer.name,
      peerGroup: peer.group,
      sent: 0,
      received: 0,
      consumed: 0,
      status: 'open',
      peer: 'open',
      peerError: '',
    });
    this.#engine.accept(flow, changes);
    return flow;
  }

  #acknowledged(ack: SessionMessage): void {
    const gone = this.#sessions.acknowledged(ack);
    if (gone.length > 0) {
      const changes = new ChangeSet();
      for (const key of gone) changes.remove(key);
      this.#host.add(changes);
    }
    // Credit may have come back.
    const flow = this.#flows.get(this.#senderOf(ack) ?? '');
    if (flow?.waiting?.what === 'credit') this.#engine.wake(flow);
  }

  #senderOf(ack: SessionMessage): string | undefined {
    if (ack.direction === 'toInitiator') return flowOf(ack);
    return this.#dedupe.find(responderRoutingKey(destinationOf(ack), sourceOf(ack), ack.session))?.flowId;
  }

  #expired(message: SessionMessage): void {
    const id =
      message.direction === 'toResponder'
        ? flowOf(message)
        : this.#dedupe.find(responderRoutingKey(sourceOf(message), destinationOf(message), message.session))?.flowId;
    const flow = this.#flows.get(id ?? '');
    if (flow !== undefined) this.#peerFailed(flow, message, 'the peer could not be reached in time');
  }

  #peerFailed(flow: FlowInstance, { session: id, sourceName, destinationName }: SessionMessage, reason: string): void {
    const session = flow.session(id);
    if (session === undefined || session.peer !== 'open') return;
    if (session.peerName !== sourceName && session.peerName !== destinationName) return;
    session.peer = 'failed';
    session.peerError = reason;
    flow.dirty = true;
    const changes = new ChangeSet();
    this.#engine.absorb(flow, changes);
    this.#host.add(changes);
  }

  // --- life of flows

  #create(
    routingKey: string,
    member: Identity,
    name: string,
    version: number,
    parts: Pick<FlowHead, 'clientRequestId' | 'inputHash' | 'trace'> & { readonly input: Uint8Array },
  ): FlowInstance {
    const id = flowIdOf(routingKey, this.#host.commitNumber());
    const now = this.#host.clock.now();
    const flow = new FlowInstance(id, {
      flow: name,
      version,
      memberName: member.name,
      memberGroup: member.group,
      clientRequestId: parts.clientRequestId,
      inputHash: parts.inputHash,
      trace: parts.trace === '' ? id : parts.trace,
      created: now,
      status: 'RUNNING',
      updated: now,
      stage: 'start',
      visit: 0,
      state: parts.input,
      sessions: [],
      nextInbox: 0,
      retries: 0,
      acts: [],
      fault: null,
      faultEntry: -1,
    });
    this.#flows.set(id, flow);
    this.#dedupe.started(routingKey, id, printOf(name, parts.inputHash));
    this.#counts.started++;
    return flow;
  }

  #ended(flow: FlowInstance): void {
    this.#flows.delete(flow.id);
    this.#hot.delete(flow);
    this.#counts.ended++;
    this.#dedupe.finished(routingKeyOf(flow.id), flow.id, flow.head.updated);
    this.#armExpiry();
  }

  /** Keeps the number of live generators bounded: the flow that waits longest is rebuilt from its journal when it wakes. */
  #heat(flow: FlowInstance): void {
    if (flow.running === undefined) return;
    this.#hot.delete(flow);
    this.#hot.add(flow);
    for (const oldest of this.#hot) {
      if (this.#hot.size <= this.#setup.settings.maxHot) return;
      this.#hot.delete(oldest);
      if (!oldest.stepRunning && oldest.running?.pending === undefined) oldest.running = undefined;
    }
  }

  /** Ended flows, and the request ids that named them, leave after their window (SM15). */
  #armExpiry(): void {
    const due = this.#dedupe.nextExpiry(this.#setup.settings.retentionMs);
    if (due === undefined || this.#expiryArmed) return;
    this.#expiryArmed = true;
    this.#host.timers.at(due, () => {
      this.#expiryArmed = false;
      const changes = new ChangeSet();
      const until = this.#host.clock.now() - this.#setup.settings.retentionMs;
      for (const id of this.#dedupe.expire(until, expireAtOnce)) {
        changes.remove(headKey(id));
        changes.publish(this.#setup.statusTopic, id, null);
      }
      if (!changes.empty) this.#host.add(changes);
      this.#armExpiry();
    });
  }

  // --- shard's life

  drain(): Promise<void> {
    return this.#engine.steps.drain();
  }

  ended(): void {
    for (const flow of this.#flows.values()) {
      flow.incarnation++;
      flow.abort?.abort(new Error('the shard has moved or stopped'));
      flow.running = undefined;
    }
  }

  facts(): Readonly<Record<string, unknown>> {
    let stuck = 0;
    for (const { head } of this.#flows.values()) if (head.status === 'STUCK') stuck++;
    return {
      flows: this.#flows.size,
      stuck,
      steps: this.#engine.steps.running,
      actors: this.#actors.size,
      remembered: this.#dedupe.size,
      unacknowledgedSessions: this.#sessions.unacknowledged,
      ...this.#counts,
    };
  }

  #act(act: string, { principal, reason }: Authority): FlowHead['acts'][number] {
    return { at: this.#host.clock.now(), act, principal: principal.name, reason };
  }

  #denied(
    { principal }: Authority,
    action: Action,
    member: Identity,
    flow: string,
    flowId?: string,
  ): WeirError | undefined {
    const resource = { member: memberId(member), flow, ...(flowId === undefined ? {} : { flowId }) };
    if (this.#setup.authorize(principal, action, resource)) return undefined;
    return new WeirError('WEIR_FORBIDDEN', { principal: principal.name, action });
  }

  #notFound(flowId: string): Answer<never> {
    const ended = this.#dedupe.find(routingKeyOf(flowId))?.flowId === flowId;
    const error = ended
      ? new WeirError('WEIR_FLOW_FINISHED', { flowId, status: 'ended' })
      : new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
    return { type: 'error', error };
  }
}

function ok<T>(value: T): Answer<T> {
  return { type: 'ok', value };
}

/** The flow that opened a session: its id is the first part of the session's. */
function flowOf({ session }: SessionMessage): string {
  return session.split('.', 1)[0] ?? '';
}

/** What a start asks for, in short. */
function printOf(flow: string, inputHash: string): string {
  return `${flow}:${inputHash}`;
}

/** A flow that answers a session is told who opened it. */
function startInput(peer: Identity): Uint8Array {
  return encodeValue({ from: { name: peer.name, group: peer.group } }, 'the input of an answering flow');
}

/**
 * The flow service on one shard: takes inputs in (starts, operators' acts, messages of sessions and actors), finds the
 * flow or actor that each is for, and lets the engine advance it. Start dedupe, flow ids and session order are decided
 * here, in the same commit as what they lead to.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import { type FlowHead, flowHead, isTerminal, journalEntry, unreadRecord } from '../../persistence/index.ts';
import type { Action, Authority, Authorize, Identity } from '../../ports/index.ts';
import { memberId } from '../../ports/index.ts';
import type { Ref } from '../kernel/index.ts';
import { printOf, StartDedupe } from '../session-manager/index.ts';
import { ChangeSet, partitionOf, type ShardHost, type ShardProgram } from '../shard/index.ts';
import { ActorHost } from './actor-host.ts';
import { type ActorMessage, actorMessage } from './actor-message.ts';
import { actOf } from './correction.ts';
import { describe } from './describe.ts';
import { FlowEngine } from './engine.ts';
import { bodyHash, clientRoutingKey, flowIdOf, routingKeyOf } from './ids.ts';
import { FlowInstance, headKey } from './instance.ts';
import { cut, maxValueBytes } from './limits.ts';
import { type Answer, type FlowRequest, type Started, serviceKinds } from './protocol.ts';
import type { Registry } from './registry.ts';
import { type NewFlow, SessionInputs } from './session-inputs.ts';
import { FlowSessions, type SessionSettings } from './sessions.ts';
import { decodeStart } from './start-record.ts';

export interface FlowSettings {
  readonly sessions: SessionSettings;
  /** How long an ended flow, and with it its client request id, is remembered, in milliseconds. */
  readonly retentionMs: number;
  /** How long a flow may be STUCK before it is ended as KILLED, in milliseconds. */
  readonly hospitalMs: number;
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
const maxActs = 20;

export function flowProgram(setup: FlowProgramSetup): (host: ShardHost) => ShardProgram<FlowRequest> {
  return (host) => new FlowProgram(setup, host);
}

class FlowProgram implements ShardProgram<FlowRequest> {
  readonly #setup: FlowProgramSetup;
  readonly #host: ShardHost;
  readonly #engine: FlowEngine;
  readonly #sessions: FlowSessions;
  readonly #actors: ActorHost;
  readonly #inputs: SessionInputs;
  readonly #dedupe = new StartDedupe();
  /** Unfinished flows. */
  readonly #flows = new Map<string, FlowInstance>();
  readonly #hot = new Set<FlowInstance>();
  /** Flows whose checkpoint this version cannot read. */
  readonly #parked = new Set<string>();
  #expiryArmed = false;
  readonly #counts = { started: 0, ended: 0, discarded: 0, unreadable: 0 };

  constructor(setup: FlowProgramSetup, host: ShardHost) {
    this.#setup = setup;
    this.#host = host;
    const { registry, statusTopic, transmit } = setup;
    this.#sessions = new FlowSessions({
      host,
      settings: setup.settings.sessions,
      transmit,
      onExpired: (message) => this.#inputs.expired(message),
    });
    this.#engine = new FlowEngine({
      host,
      registry,
      sessions: this.#sessions,
      statusTopic,
      hospitalMs: setup.settings.hospitalMs,
      onEnded: (flow) => this.#ended(flow),
      onAdvanced: (flow) => this.#heat(flow),
    });
    this.#actors = new ActorHost(host, registry);
    this.#inputs = new SessionInputs({
      host,
      registry,
      engine: this.#engine,
      sessions: this.#sessions,
      creditMessages: setup.settings.sessions.credit.messages,
      desk: {
        find: (id) => this.#flows.get(id),
        known: (routingKey) => this.#dedupe.find(routingKey),
        parked: (id) => this.#parked.has(id),
        create: (parts) => this.#create(parts),
        act: (act, authority) => this.#act(act, authority),
      },
    });
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
      this.#park(key);
    }
  }

  /** Nothing may be made anew in the place of a checkpoint that waits for a worker that can read it. */
  #park(key: string): void {
    const [kind, id = ''] = key.split('/');
    if (kind !== 'c') return;
    if (id.startsWith('@')) {
      this.#actors.park(id);
      return;
    }
    this.#parked.add(id);
    this.#dedupe.started(routingKeyOf(id), id, '');
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
      else this.#engine.life.admit(flow);
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
      const answer: Answer<Started> =
        print === printOf(name, inputHash)
          ? ok({ flowId, created: false })
          : { type: 'error', error: new WeirError('WEIR_FLOW_CONFLICT', { clientRequestId, flowId }) };
      // The first request may not be durable yet, and another body may win when it is lost.
      this.#answer(replyTo, answer);
      return;
    }
    const definition = this.#setup.registry.flow(member, name);
    if (definition === undefined) {
      const error = new WeirError('WEIR_FLOW_UNKNOWN', { member: member.name, flow: name });
      return void replyTo?.tell({ type: 'error', error });
    }
    const limit = maxValueBytes(this.#host);
    if (input.length > limit) {
      const why = `it has ${input.length} bytes, the limit is ${limit}`;
      const error = new WeirError('WEIR_FLOW_INPUT_INVALID', { flow: name, why });
      return void replyTo?.tell({ type: 'error', error });
    }
    if (this.#host.congested()) {
      const error = new WeirError('WEIR_SHARD_BUSY', { partition: this.#host.partition });
      return void replyTo?.tell({ type: 'error', error });
    }
    const { version } = definition;
    const flow = this.#create({ routingKey, member, name, version, clientRequestId, input, inputHash, trace });
    flow.definition = definition;
    flow.head.acts.push(this.#act('start', authority));
    this.#engine.accept(flow, changes);
    // Told only when it is durable (W8).
    changes.after(() => replyTo?.tell(ok({ flowId: flow.id, created: true })));
    this.#host.add(changes);
  }

  #operate(request: Extract<FlowRequest, { type: 'retry' | 'kill' }>): void {
    const { type, flowId, authority, replyTo } = request;
    const flow = this.#flows.get(flowId);
    if (flow === undefined) return void this.#answer(replyTo, this.#notFound(flowId));
    const { head } = flow;
    const denied = this.#denied(authority, `flow.${type}`, flow.member, head.flow, flowId);
    if (denied !== undefined) return void replyTo.tell({ type: 'error', error: denied });
    if (type === 'retry' && head.status !== 'STUCK') {
      const error = new WeirError('WEIR_FLOW_NOT_STUCK', { flowId, status: head.status });
      return void this.#answer(replyTo, { type: 'error', error });
    }
    const changes = new ChangeSet();
    const acts = [...head.acts];
    // The start and the newest acts are kept; the rest is the audit's.
    if (head.acts.length >= maxActs) head.acts.splice(1, 1);
    head.acts.push(this.#act(type === 'kill' ? type : actOf(request.correction), authority));
    try {
      if (type === 'kill') this.#engine.kill(flow, authority.reason, changes);
      else this.#engine.resume(flow, request.correction, changes);
    } catch (error) {
      if (!WeirError.is(error)) throw error;
      // An operator's mistake: the flow stays where it is.
      head.acts = acts;
      return void replyTo.tell({ type: 'error', error });
    }
    const { status } = head;
    changes.after(() => replyTo.tell(ok(status)));
    this.#host.add(changes);
  }

  /** Leaves with a commit behind everything that it may rest on and that is not durable yet (W3, W8). */
  #answer<T>(replyTo: Ref<Answer<T>> | undefined, answer: Answer<T>): void {
    const changes = new ChangeSet();
    changes.after(() => replyTo?.tell(answer));
    this.#host.add(changes);
  }

  #askActor(request: Extract<FlowRequest, { type: 'ask' }>): void {
    const { member, actor, key, message, body, replyTo } = request;
    const changes = new ChangeSet();
    const outcome = this.#actors.handle({ member, actor, key, type: message, body }, changes);
    changes.after(() => replyTo.tell(ok(outcome)));
    this.#host.add(changes);
  }

  // --- messages between shards

  receive(bytes: Uint8Array, changes: ChangeSet): void {
    let message: ActorMessage;
    try {
      message = actorMessage.decode(bytes);
    } catch (error) {
      this.#parkMessage(bytes, messageOf(error), changes);
      return;
    }
    if (message.kind === 'answer') {
      if (this.#parked.has(message.flow)) {
        this.#parkMessage(bytes, 'its flow cannot be read', changes);
        return;
      }
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

  /** Absorbed and kept, so that the stream goes on behind it. */
  #parkMessage(bytes: Uint8Array, why: string, changes: ChangeSet): void {
    this.#counts.unreadable++;
    this.#host.log.error({ why }, 'parked a message of another shard');
    const key = `d/${this.#host.commitNumber()}.${this.#counts.unreadable}`;
    changes.put(key, bytes);
    this.#host.parked(key);
  }

  // --- messages of sessions

  service(kind: string, bytes: Uint8Array): void {
    switch (kind) {
      case serviceKinds.start: {
        const { expires, ...start } = decodeStart(bytes);
        if (expires > this.#host.clock.now()) this.#start({ type: 'start', ...start, replyTo: undefined });
        else this.#counts.discarded++;
        return;
      }
      case serviceKinds.session:
        this.#inputs.arrived(bytes);
        return;
      default:
        this.#counts.discarded++;
    }
  }

  // --- life of flows

  #create(parts: NewFlow): FlowInstance {
    const { routingKey, member, name, version, clientRequestId, input, inputHash, trace } = parts;
    const id = flowIdOf(routingKey, this.#host.commitNumber());
    const now = this.#host.clock.now();
    const flow = new FlowInstance(id, {
      flow: name,
      version,
      memberName: member.name,
      memberGroup: member.group,
      clientRequestId,
      inputHash,
      trace: trace === '' ? id : cut(trace),
      created: now,
      status: 'RUNNING',
      updated: now,
      stage: 'start',
      visit: 0,
      state: input,
      sessions: [],
      nextInbox: 0,
      retries: 0,
      acts: [],
      fault: null,
      faultEntry: -1,
    });
    this.#flows.set(id, flow);
    this.#dedupe.started(routingKey, id, printOf(name, inputHash));
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
    this.#hot.delete(flow);
    if (flow.running === undefined) return;
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
      hot: this.#hot.size,
      steps: this.#engine.steps.running,
      actors: this.#actors.size,
      remembered: this.#dedupe.size,
      unacknowledgedSessions: this.#sessions.unacknowledged,
      sessionLanes: this.#sessions.lanes,
      ...this.#counts,
      discarded: this.#counts.discarded + this.#inputs.counts.discarded,
      forged: this.#inputs.counts.forged,
    };
  }

  #act(act: string, { principal, reason }: Authority): FlowHead['acts'][number] {
    return { at: this.#host.clock.now(), act, principal: cut(principal.name), reason: cut(reason) };
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
    if (this.#parked.has(flowId)) {
      const context = { what: `the checkpoint of flow ${flowId}`, why: 'this version of Weir does not know its form' };
      return { type: 'error', error: new WeirError('WEIR_RECORD_UNREADABLE', context) };
    }
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

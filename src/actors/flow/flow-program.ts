/**
 * The flow service on one shard: takes inputs in (starts, operators' acts, messages of sessions and actors), finds the
 * flow or actor that each is for, and lets the engine advance it. Start dedupe, flow ids and session order are decided
 * here, in the same commit as what they lead to.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { Authorize, Containment, Identity } from '../../ports/index.ts';
import { unreachable } from '../kernel/index.ts';
import {
  ChangeSet,
  type FormerEnd,
  partitionOf,
  type ShardHost,
  type ShardPreparation,
  type ShardProgram,
} from '../shard/index.ts';
import { ActorHost } from './actor-host.ts';
import { type ActorMessage, actorMessage } from './actor-message.ts';
import { FlowActs } from './acts.ts';
import { AuditTrails } from './audit-trails.ts';
import { FlowEngine } from './engine.ts';
import { FlowRequests } from './flow-requests.ts';
import { FlowTable } from './flow-table.ts';
import { FoundFlows } from './found-flows.ts';
import { routingKeyOf } from './ids.ts';
import { LogAnswers } from './log-answers.ts';
import { type FlowRequest, serviceKinds } from './protocol.ts';
import type { Registry } from './registry.ts';
import { SessionExpiry } from './session-expiry.ts';
import { SessionInputs } from './session-inputs.ts';
import { FlowSessions, type SessionSettings } from './sessions.ts';
import { type Configured, ShardConfiguration } from './shard-configuration.ts';
import { decodeStart } from './start-record.ts';
import { stateKindOf } from './state-kinds.ts';
import type { WorkerGuard } from './worker-guard.ts';

export interface FlowSettings {
  readonly sessions: SessionSettings;
  /** How long an ended flow, and with it its client request id, is remembered, in milliseconds. */
  readonly retentionMs: number;
  /** How long a flow may be STUCK before it is ended as KILLED, in milliseconds. */
  readonly hospitalMs: number;
  /** How long the audit keeps what was done to flows, in milliseconds. */
  readonly auditMs: number;
  /** Longest time of one attempt of a step, unless it says otherwise, in milliseconds. */
  readonly stepMs: number;
  /** Hot generators kept in one shard; beyond it the longest waiting flows are passivated. */
  readonly maxHot: number;
  /** How many ends of its worker a flow must have been alone at, to be STUCK as their cause. */
  readonly deathsAlone: number;
  /** Whether each suspension is at once replayed from its record and compared: for development and tests. */
  readonly replayCheck: boolean;
}

export interface FlowProgramSetup {
  readonly registry: Registry;
  readonly settings: FlowSettings;
  readonly statusTopic: string;
  readonly auditTopic: string;
  /** What it is run with, for the audit to tell of changes. Default: it tells of none. */
  readonly configured?: Configured | undefined;
  readonly authorize: Authorize;
  /** Shared by the shards of the worker. */
  readonly guard: WorkerGuard;
  /** Stops code of flows that keeps the processor. Absent: it may. */
  readonly containment?: Containment | undefined;
  readonly transmit: (source: Identity, destination: Identity, bytes: Uint8Array) => void;
  /** Brings an answer to whoever reads this partition of `flow.answers`; it may be lost. */
  readonly answer: (partition: number, bytes: Uint8Array) => void;
}

/** Flows that are made of their records before others may have their turn. */
const madeAtOnce = 64;
const noBytes = new Uint8Array();

export function flowProgram(setup: FlowProgramSetup): () => ShardPreparation<FlowRequest> {
  return () => {
    const found = new FoundFlows(setup.registry);
    return {
      put: (record) => found.put(record),
      make: () => found.make(),
      clear: () => found.clear(),
      program: (host) => new FlowProgram(setup, host, found),
    };
  };
}

class FlowProgram implements ShardProgram<FlowRequest> {
  readonly #host: ShardHost;
  readonly #engine: FlowEngine;
  readonly #sessions: FlowSessions;
  readonly #expiry: SessionExpiry;
  readonly #actors: ActorHost;
  readonly #inputs: SessionInputs;
  readonly #table: FlowTable;
  readonly #trails: AuditTrails;
  readonly #requests: FlowRequests;
  readonly #asks: LogAnswers;
  readonly #acts: FlowActs;
  readonly #configured: Configured | undefined;
  readonly #configuration = new ShardConfiguration();
  readonly #found: FoundFlows;
  readonly #counts = { discarded: 0, unreadable: 0 };

  constructor(setup: FlowProgramSetup, host: ShardHost, found: FoundFlows) {
    this.#host = host;
    this.#found = found;
    const { registry, statusTopic, auditTopic, transmit, authorize, settings, guard } = setup;
    const { retentionMs, maxHot, hospitalMs, stepMs, replayCheck, deathsAlone } = settings;
    this.#table = new FlowTable({
      ...{ host, registry, statusTopic, retentionMs, maxHot },
      wake: (flow) => this.#engine.wake(flow),
      arm: (flow, due) => this.#engine.life.arm(flow, due),
      held: (flow) => this.#engine.guard.has(flow),
    });
    this.#trails = new AuditTrails({ host, topic: auditTopic, windowMs: settings.auditMs });
    const acts = new FlowActs(host.clock, this.#trails.own);
    this.#acts = acts;
    this.#configured = setup.configured;
    this.#sessions = new FlowSessions({
      host,
      settings: settings.sessions,
      transmit,
      onExpired: (message) => this.#inputs.expired(message),
    });
    this.#engine = new FlowEngine({
      host,
      registry,
      sessions: this.#sessions,
      statusTopic,
      acts,
      hospitalMs,
      workerGuard: guard,
      containment: setup.containment,
      deathsAlone,
      stepMs,
      replayCheck,
      onEnded: (flow) => this.#table.ended(flow),
      onAdvanced: (flow) => {
        this.#table.heat(flow);
        this.#expiry.watch(flow);
      },
    });
    this.#expiry = new SessionExpiry({
      ...{ host, engine: this.#engine, sessions: this.#sessions, idleMs: settings.sessions.idleMs },
      flows: () => this.#table.decoded(),
    });
    this.#actors = new ActorHost(host, registry);
    const parts = { host, registry, engine: this.#engine, table: this.#table, acts };
    this.#asks = new LogAnswers({
      ...{ host, send: setup.answer },
      handle: (request) => this.#requests.handle(request),
    });
    this.#requests = new FlowRequests({
      ...{ ...parts, authorize, actors: this.#actors, trails: this.#trails },
      keep: (asked, answer, changes) => this.#asks.keepHere(asked, answer, changes),
    });
    const creditMessages = settings.sessions.credit.messages;
    this.#inputs = new SessionInputs({ ...parts, sessions: this.#sessions, creditMessages });
  }

  // --- restore

  restore(key: string, value: Uint8Array): void {
    this.#readable(key, () => this.#restore(key, value));
  }

  restoreResting(shard: number, key: string, value: Uint8Array): void {
    const [, name = ''] = key.split('/');
    if (stateKindOf(key) !== 'a') return;
    this.#readable(key, () => this.#trails.restoreResting(shard, name, value));
  }

  *prepare(): Generator<undefined> {
    let count = 0;
    for (const flow of this.#found.take()) {
      if ('type' in flow) this.#table.restoreMade(flow);
      else this.#table.restore(flow, (key, read) => this.#readable(key, read));
      count += 1;
      if (count % madeAtOnce === 0) yield;
    }
  }

  #readable<Value>(key: string, read: () => Value): Value | undefined {
    try {
      return read();
    } catch (error) {
      // A record of a newer version is parked: it stays in the log as it is, and is counted where it can be seen.
      if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
      this.#counts.unreadable++;
      this.#host.log.error({ key, err: error }, 'parked an unreadable record');
      return undefined;
    }
  }

  #restore(key: string, value: Uint8Array): void {
    const kind = stateKindOf(key);
    const id = key.slice(key.indexOf('/') + 1);
    switch (kind) {
      case 'c':
        this.#restoreActor(key, id, value);
        return;
      case 'o':
        // Kept until it is acknowledged, which may take days.
        this.#sessions.restore(value.slice());
        return;
      case 'a':
        this.#trails.own.restore(id, value);
        return;
      case 'q':
        this.#asks.restore(id, value);
        return;
      case 'n':
        this.#configuration.restore(value);
        return;
      case undefined:
        throw new WeirError('WEIR_RECORD_UNREADABLE', { what: key, why: 'this version knows no such key' });
      case 'j':
      case 'i':
      case 'g':
        // They belong to flows, which have been found.
        return;
      default:
        unreachable(kind);
    }
  }

  #restoreActor(key: string, address: string, value: Uint8Array): void {
    const read = this.#readable(key, () => {
      this.#actors.restore(address, value);
      return true;
    });
    if (read === undefined) this.#actors.park(address);
  }

  restored(before: FormerEnd): void {
    this.#trails.restored();
    this.#configuration.restored(this.#configured, this.#acts, this.#host);
    this.#asks.restored();
    this.#sessions.restored();
    const { guard, life } = this.#engine;
    guard.watch(before);
    const changes = new ChangeSet();
    for (const flow of this.#table.decoded()) {
      const crashed = guard.judge(flow, before);
      if (crashed !== undefined) life.stuck(flow, crashed, changes);
      else if (flow.head.status === 'RUNNING') this.#engine.rearm(flow);
      else life.admit(flow);
      life.store(flow, changes);
      this.#table.cool(flow);
    }
    if (!changes.empty) this.#host.add(changes);
    guard.restored();
    this.#table.restored();
    this.#expiry.restored();
  }

  // --- requests of this worker

  local(message: FlowRequest): void {
    this.#requests.handle(message);
  }

  refuse(message: FlowRequest): void {
    this.#requests.refuse(message);
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
      if (this.#table.parked(message.flow)) {
        this.#parkMessage(bytes, 'its flow cannot be read', changes);
        return;
      }
      const flow = this.#table.find(message.flow);
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
    this.#host.log.error({ code: 'WEIR_RECORD_UNREADABLE', why }, 'parked a message of another shard');
    const key = `d/${this.#host.commitNumber()}.${this.#counts.unreadable}`;
    changes.put(key, bytes);
    this.#host.parked(key);
  }

  // --- messages of sessions

  service(kind: string, bytes: Uint8Array): void {
    switch (kind) {
      case serviceKinds.start: {
        const { expires, ...start } = decodeStart(bytes);
        if (expires > this.#host.clock.now()) this.#requests.start({ type: 'start', ...start, replyTo: undefined });
        else this.#counts.discarded++;
        return;
      }
      case serviceKinds.session:
        this.#inputs.arrived(bytes);
        return;
      case serviceKinds.ask:
        this.#asks.take(bytes);
        return;
      default:
        this.#counts.discarded++;
    }
  }

  // --- shard's life

  drain(): Promise<void> {
    return this.#engine.drain();
  }

  ended(): void {
    this.#table.abandon();
    this.#engine.end();
  }

  facts(): Readonly<Record<string, unknown>> {
    return {
      ...this.#table.facts(),
      steps: this.#engine.steps.running,
      guarded: this.#engine.guard.guarded,
      actors: this.#actors.size,
      audit: this.#trails.entries,
      unacknowledgedSessions: this.#sessions.unacknowledged,
      sessionLanes: this.#sessions.lanes,
      keptAnswers: this.#asks.size,
      ...this.#asks.counts,
      ...this.#counts,
      ...this.#inputs.counts,
      discarded: this.#counts.discarded + this.#inputs.counts.discarded,
    };
  }
}

/**
 * The flows of one shard: the unfinished ones, what is remembered of the ended ones, and which of them are hot.
 * Owns how a flow comes to be, is found, and is forgotten.
 */
import { WeirError } from '../../errors/index.ts';
import { type FlowHead, isTerminal } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import { type KnownStart, printOf, StartDedupe } from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { flowIdOf, routingKeyOf } from './ids.ts';
import { FlowInstance, headKey } from './instance.ts';
import { cut } from './limits.ts';
import type { Registry } from './registry.ts';

/** What a new flow is made of, beside who runs which flow. */
export interface NewFlow {
  readonly routingKey: string;
  readonly member: Identity;
  readonly name: string;
  readonly version: number;
  readonly clientRequestId: string;
  readonly input: Uint8Array;
  readonly inputHash: string;
  readonly trace: string;
}

export interface FlowTableSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly statusTopic: string;
  /** How long an ended flow, and with it its client request id, is remembered, in milliseconds. */
  readonly retentionMs: number;
  /** Hot generators kept in one shard; beyond it the longest waiting flows are passivated. */
  readonly maxHot: number;
}

/** Ended flows that one sweep forgets; the next one follows at once. */
const expireAtOnce = 500;

export class FlowTable {
  readonly #setup: FlowTableSetup;
  readonly #dedupe = new StartDedupe();
  readonly #flows = new Map<string, FlowInstance>();
  readonly #hot = new Set<FlowInstance>();
  /** Flows whose checkpoint this version cannot read. */
  readonly #parked = new Set<string>();
  #expiryArmed = false;
  readonly #counts = { started: 0, ended: 0 };

  constructor(setup: FlowTableSetup) {
    this.#setup = setup;
  }

  /** An unfinished flow. */
  find(id: string): FlowInstance | undefined {
    return this.#flows.get(id);
  }

  /** The flow of a routing key, ended or not. */
  known(routingKey: string): KnownStart | undefined {
    return this.#dedupe.find(routingKey);
  }

  /** Unfinished flows, oldest first. */
  unfinished(): Iterable<FlowInstance> {
    return this.#flows.values();
  }

  /** Whether its checkpoint cannot be read here: it has not ended, and nobody may answer for it. */
  parked(id: string): boolean {
    return this.#parked.has(id);
  }

  /** Why there is no such unfinished flow here. */
  missing(flowId: string): WeirError {
    if (this.#parked.has(flowId)) {
      const context = { what: `the checkpoint of flow ${flowId}`, why: 'this version of Weir does not know its form' };
      return new WeirError('WEIR_RECORD_UNREADABLE', context);
    }
    const ended = this.#dedupe.find(routingKeyOf(flowId))?.flowId === flowId;
    return ended
      ? new WeirError('WEIR_FLOW_FINISHED', { flowId, status: 'ended' })
      : new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
  }

  // --- restore

  /** Nothing may be made anew in the place of a checkpoint that waits for a worker that can read it. */
  park(id: string): void {
    this.#parked.add(id);
    this.#dedupe.started(routingKeyOf(id), id, '');
  }

  restoreHead(id: string, head: FlowHead): void {
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
    this.#armExpiry();
  }

  // --- life of flows

  create({ routingKey, member, name, version, clientRequestId, input, inputHash, trace }: NewFlow): FlowInstance {
    const { host, registry } = this.#setup;
    const id = flowIdOf(routingKey, host.commitNumber());
    const now = host.clock.now();
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
      faultNext: -1,
      cancel: null,
      mark: null,
      progress: [],
      expires: 0,
      stays: [],
    });
    flow.definition = registry.flow(member, name);
    this.#flows.set(id, flow);
    this.#dedupe.started(routingKey, id, printOf(name, inputHash));
    this.#counts.started++;
    return flow;
  }

  ended(flow: FlowInstance): void {
    this.#flows.delete(flow.id);
    this.#hot.delete(flow);
    this.#counts.ended++;
    this.#dedupe.finished(routingKeyOf(flow.id), flow.id, flow.head.updated);
    this.#armExpiry();
  }

  /** Keeps the number of live generators bounded: the flow that waits longest is rebuilt from its journal when it wakes. */
  heat(flow: FlowInstance): void {
    this.#hot.delete(flow);
    if (flow.run === undefined) return;
    this.#hot.add(flow);
    for (const oldest of this.#hot) {
      if (this.#hot.size <= this.#setup.maxHot) return;
      this.#hot.delete(oldest);
      if (oldest.steps.size === 0 && oldest.run?.unfinished !== true) oldest.run = undefined;
    }
  }

  /** The shard's incarnation is over: nothing that runs outside may come back. */
  abandon(): void {
    for (const flow of this.#flows.values()) {
      flow.abortSteps('the shard has moved or stopped');
      flow.run = undefined;
    }
  }

  facts(): Readonly<Record<string, number>> {
    let stuck = 0;
    let lackCode = 0;
    for (const flow of this.#flows.values()) {
      if (flow.head.status === 'STUCK') stuck++;
      if (flow.waitsOn('code')) lackCode++;
    }
    return {
      flows: this.#flows.size,
      stuck,
      lackCode,
      hot: this.#hot.size,
      remembered: this.#dedupe.size,
      ...this.#counts,
    };
  }

  /** Ended flows, and the request ids that named them, leave after their window (SM15). */
  #armExpiry(): void {
    const { host, statusTopic, retentionMs } = this.#setup;
    const due = this.#dedupe.nextExpiry(retentionMs);
    if (due === undefined || this.#expiryArmed) return;
    this.#expiryArmed = true;
    host.timers.at(due, () => {
      this.#expiryArmed = false;
      const changes = new ChangeSet();
      for (const id of this.#dedupe.expire(host.clock.now() - retentionMs, expireAtOnce)) {
        changes.remove(headKey(id));
        changes.publish(statusTopic, id, null);
      }
      if (!changes.empty) host.add(changes);
      this.#armExpiry();
    });
  }
}

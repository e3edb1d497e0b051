/**
 * The flows of one shard: the unfinished ones, what is remembered of the ended ones, and which of them are hot: decoded,
 * with a live generator perhaps. Owns how a flow comes to be, is found, grows cold, and is forgotten.
 */
import { WeirError } from '../../errors/index.ts';
import { flowHead, journalEntry, unreadRecord } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import { type KnownStart, printOf, StartDedupe } from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { ColdAlarms } from './cold-alarms.ts';
import { type ColdFlow, coldFlow, dueOf, type Thawed, thawed } from './cold-flow.ts';
import { detached, type FlowRecords, type MadeFlow, signalsOf } from './flow-maker.ts';
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
  /** Hot flows kept in one shard; beyond it those that wait longest are passivated. */
  readonly maxHot: number;
  /** A timer of the flow rang. */
  readonly wake: (flow: FlowInstance) => void;
  /** Sets the timer of a flow. */
  readonly arm: (flow: FlowInstance, due: number) => void;
  /** Whether somebody else holds the flow, to let it run on. */
  readonly held: (flow: FlowInstance) => boolean;
}

/** What `read` gives; undefined when the record of this key cannot be read, which is told of. */
export type Readable = <Value>(key: string, read: () => Value) => Value | undefined;

/** Ended flows that one sweep forgets; the next one follows at once. */
const expireAtOnce = 500;
/**
 * Ended flows stay longer than their window by at most this part of it, and by no more than a minute: those that end one
 * after the other leave in one commit.
 */
const sweepsOfWindow = 32;
const longestSweepMs = 60_000;

export class FlowTable {
  readonly #setup: FlowTableSetup;
  readonly #dedupe = new StartDedupe();
  /** Unfinished ones by routing key: there is one of a key at a time. */
  readonly #flows = new Map<string, FlowInstance | ColdFlow>();
  readonly #alarms: ColdAlarms;
  /** The hot ones, and those that cannot be cold. */
  readonly #decoded = new Set<FlowInstance>();
  readonly #hot = new Set<FlowInstance>();
  /** Flows whose checkpoint this version cannot read, by routing key. */
  readonly #parked = new Map<string, string>();
  #expiryArmed = false;
  readonly #counts = { started: 0, ended: 0 };

  constructor(setup: FlowTableSetup) {
    this.#setup = setup;
    this.#alarms = new ColdAlarms({
      host: setup.host,
      count: () => this.#cold,
      dueOf: (key) => {
        const flow = this.#flows.get(key);
        return typeof flow === 'string' ? dueOf(flow) : undefined;
      },
      ring: (key) => this.#ring(key),
    });
  }

  /** An unfinished flow, to do something to it. */
  find(id: string): FlowInstance | undefined {
    const key = routingKeyOf(id);
    const known = this.#flows.get(key);
    if (known === undefined) return undefined;
    if (typeof known !== 'string') return known.id === id ? known : undefined;
    const { flow, due } = this.#thawed(detached(key, key.length), known);
    if (flow.id !== id) return undefined;
    this.#warm(flow);
    if (due !== undefined) this.#setup.arm(flow, due);
    return flow;
  }

  /** An unfinished flow, to read it: what is done to it may be lost. */
  look(id: string): FlowInstance | undefined {
    const flow = this.#lookUp(routingKeyOf(id));
    return flow?.id === id ? flow : undefined;
  }

  /** The flow of a routing key, ended or not. */
  known(routingKey: string): KnownStart | undefined {
    const flow = this.#lookUp(routingKey);
    if (flow !== undefined) return { flowId: flow.id, print: printOf(flow.head.flow, flow.head.inputHash) };
    const parked = this.#parked.get(routingKey);
    // Of a checkpoint that cannot be read nobody knows what was asked for.
    return parked === undefined ? this.#dedupe.find(routingKey) : { flowId: parked, print: '' };
  }

  /** Unfinished flows, oldest first, to read them. */
  *unfinished(): Generator<FlowInstance> {
    for (const [key, flow] of this.#flows) yield typeof flow === 'string' ? this.#thawed(key, flow).flow : flow;
  }

  /** Flows that are not cold, among them all that have sessions. */
  decoded(): Iterable<FlowInstance> {
    return this.#decoded;
  }

  /** Whether its checkpoint cannot be read here: it has not ended, and nobody may answer for it. */
  parked(id: string): boolean {
    return this.#parked.get(routingKeyOf(id)) === id;
  }

  /** Why there is no such unfinished flow here. */
  missing(flowId: string): WeirError {
    if (this.parked(flowId)) {
      const context = { what: `the checkpoint of flow ${flowId}`, why: 'this version of Weir does not know its form' };
      return new WeirError('WEIR_RECORD_UNREADABLE', context);
    }
    const ended = this.#dedupe.find(routingKeyOf(flowId))?.flowId === flowId;
    return ended
      ? new WeirError('WEIR_FLOW_FINISHED', { flowId, status: 'ended' })
      : new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
  }

  // --- restore

  /** Takes in what was made of a flow's records: what is remembered of an ended one, or the bytes of one that waits. */
  restoreMade(made: MadeFlow): void {
    if (made.type === 'ended') {
      this.#dedupe.finished(made.key, made.id, made.print, made.at);
      return;
    }
    const { key, cold, due } = made;
    this.#flows.set(key, cold);
    if (due < Number.POSITIVE_INFINITY) this.#alarms.restore(due, key);
  }

  /**
   * Takes in an unfinished flow, all of it, as its records tell of it. `readable` hears of each record that cannot be read;
   * without its head nothing of a flow can.
   */
  restore({ id, head: record, journal, unread, signals }: FlowRecords, readable: Readable): void {
    const key = detached(id, routingKeyOf(id).length);
    const rest = id.slice(key.length);
    const head = readable(headKey(id), () => flowHead.decode(record.value));
    if (head === undefined) return void this.#parked.set(key, key + rest);
    const flow = new FlowInstance(key, key + rest, head);
    flow.definition = this.#setup.registry.flow(flow.member, head.flow);
    journal.forEach(({ value }, place) => {
      const [visit, number] = place.split('/');
      const entry = readable(`j/${id}/${place}`, () => journalEntry.decode(value));
      if (entry !== undefined && head.visit === Number(visit)) flow.journal[Number(number)] = entry;
    });
    if (signals.size > 0) flow.signals = signalsOf(signals);
    unread.forEach(({ value }, place) => {
      const message = readable(`i/${id}/${place}`, () => unreadRecord.decode(value));
      if (message !== undefined) flow.unread.push({ ...message, place: Number(place), stored: true });
    });
    flow.unread.sort((a, b) => a.place - b.place);
    this.#add(flow);
  }

  restored(): void {
    this.#dedupe.sort();
    this.#armExpiry();
    this.#alarms.restored();
  }

  // --- life of flows

  create({ routingKey, member, name, version, clientRequestId, input, inputHash, trace }: NewFlow): FlowInstance {
    const { host, registry } = this.#setup;
    const key = detached(routingKey, routingKey.length);
    const id = flowIdOf(key, host.commitNumber());
    const now = host.clock.now();
    const flow = new FlowInstance(key, id, {
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
    this.#add(flow);
    this.#counts.started++;
    return flow;
  }

  ended(flow: FlowInstance): void {
    const { key, id, head } = flow;
    this.#flows.delete(key);
    this.#decoded.delete(flow);
    this.#hot.delete(flow);
    this.#counts.ended++;
    this.#dedupe.finished(key, id, printOf(head.flow, head.inputHash), head.updated);
    this.#armExpiry();
  }

  /** Keeps the number of live generators bounded: the flow that waits longest is rebuilt from its journal when it wakes. */
  heat(flow: FlowInstance): void {
    this.#hot.delete(flow);
    if (flow.run === undefined) return;
    this.#hot.add(flow);
    this.#passivate(flow);
  }

  /** Keeps of a flow that waits only the bytes of its checkpoint, if these say all of it. */
  cool(flow: FlowInstance): void {
    const { key } = flow;
    if (this.#flows.get(key) !== flow || this.#setup.held(flow)) return;
    const cold = coldFlow(flow);
    if (cold === undefined) return;
    this.#flows.set(key, cold);
    this.#decoded.delete(flow);
    this.#hot.delete(flow);
    if (flow.alarm === undefined) return;
    this.#setup.host.timers.cancel(flow.alarm);
    this.#alarms.set(flow.alarm.due, key);
    flow.alarm = undefined;
  }

  #passivate(current: FlowInstance): void {
    for (const oldest of this.#hot) {
      if (this.#hot.size <= this.#setup.maxHot) return;
      this.#hot.delete(oldest);
      if (!oldest.busy && oldest.run?.unfinished !== true) oldest.run = undefined;
      // Whoever has to do with the flow at this moment still holds it.
      if (oldest !== current) this.cool(oldest);
    }
  }

  #ring(key: string): void {
    const cold = this.#flows.get(key);
    if (typeof cold !== 'string') return;
    const { flow } = this.#thawed(key, cold);
    this.#warm(flow);
    this.#setup.wake(flow);
  }

  #lookUp(key: string): FlowInstance | undefined {
    const flow = this.#flows.get(key);
    return typeof flow === 'string' ? this.#thawed(key, flow).flow : flow;
  }

  #thawed(key: string, cold: ColdFlow): Thawed {
    const found = thawed(key, cold);
    const { flow } = found;
    flow.definition = this.#setup.registry.flow(flow.member, flow.head.flow);
    return found;
  }

  #warm(flow: FlowInstance): void {
    this.#add(flow);
    this.#hot.add(flow);
    this.#passivate(flow);
  }

  #add(flow: FlowInstance): void {
    this.#flows.set(flow.key, flow);
    this.#decoded.add(flow);
  }

  get #cold(): number {
    return this.#flows.size - this.#decoded.size;
  }

  /** The shard's incarnation is over: nothing that runs outside may come back. */
  abandon(): void {
    for (const flow of this.#decoded) {
      flow.abortSteps('the shard has moved or stopped');
      flow.run = undefined;
    }
  }

  facts(): Readonly<Record<string, number>> {
    let stuck = 0;
    let lackCode = 0;
    for (const flow of this.#decoded) {
      if (flow.head.status === 'STUCK') stuck++;
      if (flow.waitsOn('code')) lackCode++;
    }
    return {
      flows: this.#flows.size,
      stuck,
      lackCode,
      hot: this.#hot.size,
      cold: this.#cold,
      remembered: this.#flows.size + this.#parked.size + this.#dedupe.size,
      ...this.#counts,
    };
  }

  /** Ended flows, and the request ids that named them, leave after their window (SM15). */
  #armExpiry(): void {
    const { host, statusTopic, retentionMs } = this.#setup;
    const oldest = this.#dedupe.nextExpiry(retentionMs);
    if (oldest === undefined || this.#expiryArmed) return;
    this.#expiryArmed = true;
    const laterMs = Math.min(longestSweepMs, Math.ceil(retentionMs / sweepsOfWindow));
    // What a sweep has left, or the time without an owner, is due already.
    const due = oldest <= host.clock.now() ? oldest : oldest + laterMs;
    host.timers.at(due, () => {
      this.#expiryArmed = false;
      const changes = new ChangeSet();
      for (const id of this.#dedupe.expire(host.clock.now() - retentionMs, expireAtOnce)) {
        changes.remove(headKey(id));
        changes.publish(statusTopic, id, null, 'lazily');
      }
      if (!changes.empty) host.add(changes);
      this.#armExpiry();
    });
  }
}

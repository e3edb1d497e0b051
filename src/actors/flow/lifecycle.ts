/**
 * The life of a flow: how it ends, gets STUCK, becomes durable and is told of. Owns what each status means for records,
 * sessions, timers and the topic `flow.status`.
 */
import {
  type FaultRecord,
  flowHead,
  isTerminal,
  statusRecord,
  unreadRecord,
  withFailure,
} from '../../persistence/index.ts';
import type { Logger } from '../../ports/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import type { FlowActs } from './acts.ts';
import { faultOf } from './faults.ts';
import { type FlowInstance, headKey, signalKey, talkWith, unreadKey } from './instance.ts';
import { dropJournal } from './journal.ts';
import { placeOf } from './place.ts';
import { isHeard } from './session-record.ts';
import type { FlowSessions } from './sessions.ts';

export interface LifecycleSetup {
  readonly host: ShardHost;
  readonly sessions: FlowSessions;
  readonly statusTopic: string;
  readonly acts: FlowActs;
  /** The flow has reached a terminal status in a change set. */
  readonly onEnded: (flow: FlowInstance) => void;
  /** How long a flow may be STUCK before it is ended, in milliseconds. */
  readonly hospitalMs: number;
  /** A timer of the flow rang. */
  readonly wake: (flow: FlowInstance) => void;
  /** No code of the flow runs any more. */
  readonly halted: (flow: FlowInstance, changes: ChangeSet) => void;
}

const noBytes = new Uint8Array();

export class FlowLifecycle {
  readonly #setup: LifecycleSetup;
  readonly #host: ShardHost;

  constructor(setup: LifecycleSetup) {
    this.#setup = setup;
    this.#host = setup.host;
  }

  fail(flow: FlowInstance, fault: FaultRecord, changes: ChangeSet): void {
    flow.head.fault = {
      ...fault,
      at: fault.at === '' ? placeOf(flow.head.stage, flow.run?.latest, undefined) : fault.at,
    };
    this.end(flow, 'FAILED', noBytes, 'error', fault.message, changes);
  }

  /**
   * Its code has run to the end. It waits for peers whose protocol asks for that, and ends when they have closed, or
   * their sessions have failed (SM10), or it is cancelled: asked again whenever something has changed.
   */
  complete(flow: FlowInstance, result: Uint8Array, changes: ChangeSet): void {
    const { sessions } = this.#setup;
    const { head } = flow;
    const open = head.sessions.filter((session) => session.requireClose && session.peer === 'open' && isHeard(session));
    if (open.length === 0 || head.cancel !== null) {
      this.end(flow, 'COMPLETED', result, 'close', '', changes);
      return;
    }
    for (const session of head.sessions) {
      sessions.end(flow, session, 'close', '', changes);
      if (session.consumed === session.received) continue;
      // Nobody reads what is left; a sender that waits for credit has to hear so.
      session.consumed = session.received;
      if (!flow.closing) sessions.acknowledgeReading(head, session, changes);
      flow.dirty = true;
    }
    this.#dropUnread(flow, changes);
    flow.closing = true;
    // The time that its code had for waiting is over with its code; the session has one of its own.
    flow.dirty ||= head.expires !== 0;
    head.expires = 0;
    flow.waits = open.map((session) => ({ what: 'close', label: talkWith(session), due: undefined }));
    this.disarm(flow);
  }

  end(
    flow: FlowInstance,
    status: 'COMPLETED' | 'FAILED' | 'KILLED',
    result: Uint8Array,
    farewell: 'close' | 'error',
    reason: string,
    changes: ChangeSet,
  ): void {
    const { head } = flow;
    this.#setup.sessions.endAll(flow, farewell, reason, changes);
    dropJournal(flow, changes);
    this.#dropUnread(flow, changes);
    for (const signal of flow.signals?.keys() ?? []) changes.remove(signalKey(flow.id, signal));
    flow.signals = undefined;
    head.status = status;
    // Of an ended flow only what dedupe needs is kept; its result stands in its status.
    head.state = noBytes;
    head.sessions = [];
    head.cancel = null;
    head.stays = [];
    this.touch(flow);
    this.halt(flow, changes);
    this.publish(flow, result, changes);
    this.#setup.acts.ended(flow, result, changes);
    this.#setup.onEnded(flow);
  }

  #dropUnread(flow: FlowInstance, changes: ChangeSet): void {
    for (const message of flow.unread) if (message.stored) changes.remove(unreadKey(flow.id, message.place));
    flow.unread = [];
  }

  /** A STUCK flow ends when nobody has acted in time; the deadline counts from when it got there. */
  admit(flow: FlowInstance): void {
    const due = flow.head.updated + this.#setup.hospitalMs;
    flow.waits = [{ what: 'operator', label: flow.head.fault?.code ?? '', due }];
    this.arm(flow, due);
  }

  overdue({ head }: FlowInstance): boolean {
    return head.status === 'STUCK' && this.#host.clock.now() >= head.updated + this.#setup.hospitalMs;
  }

  /** Into the hospital: nothing is lost, an operator decides. */
  stuck(flow: FlowInstance, thrown: unknown, changes: ChangeSet): void {
    const { head } = flow;
    head.status = 'STUCK';
    head.fault = { ...faultOf(thrown), at: placeOf(head.stage, flow.run?.latest, thrown) };
    const { code, message, at: place } = head.fault;
    head.stays = withFailure(head.stays, { at: this.#host.clock.now(), code, message, place });
    this.touch(flow);
    this.halt(flow, changes);
    this.admit(flow);
    this.publish(flow, noBytes, changes);
    const { remedy } = head.fault;
    loggerOf(this.#host, flow).error({ code, error: message, at: place, remedy }, 'flow is stuck');
  }

  halt(flow: FlowInstance, changes: ChangeSet): void {
    this.#setup.halted(flow, changes);
    flow.run = undefined;
    flow.steps.clear();
    flow.closing = false;
    flow.waits = [];
    this.disarm(flow);
  }

  touch(flow: FlowInstance): void {
    flow.head.updated = this.#host.clock.now();
    flow.dirty = true;
  }

  /** Writes what the advance left in memory: unread messages, and the head when it changed. */
  store(flow: FlowInstance, changes: ChangeSet): void {
    for (const message of flow.unread) {
      if (message.stored) continue;
      message.stored = true;
      const { session, number, type, body } = message;
      changes.put(unreadKey(flow.id, message.place), unreadRecord.encode({ session, number, type, body }));
    }
    if (!flow.dirty) return;
    flow.dirty = false;
    changes.put(headKey(flow.id), flowHead.encode(flow.head));
  }

  /** @param when `lazily` for what changes on the way: nobody waits for it to be told on other workers */
  publish(flow: FlowInstance, result: Uint8Array, changes: ChangeSet, when: 'soon' | 'lazily' = 'soon'): void {
    const { flow: name, version, memberName, memberGroup, clientRequestId, inputHash, trace } = flow.head;
    const { status, stage, created, updated, fault, acts, progress } = flow.head;
    const startedBy = acts[0]?.principal ?? '';
    const commit = this.#host.commitNumber();
    // Named one by one: a copy of the whole head costs a third of the record.
    // biome-ignore format: in the order of the record
    const record = statusRecord.encode({
      flow: name, version, memberName, memberGroup, clientRequestId, inputHash, trace, status, stage, created, updated,
      startedBy, result, fault, acts, commit, progress,
    });
    changes.publish(this.#setup.statusTopic, flow.id, record, when);
  }

  /** Rings at `due`; a flow has one timer at a time. */
  arm(flow: FlowInstance, due: number): void {
    this.disarm(flow);
    flow.alarm = this.#host.timers.at(due, () => {
      flow.alarm = undefined;
      if (!isTerminal(flow.head.status)) this.#setup.wake(flow);
    });
  }

  disarm(flow: FlowInstance): void {
    if (flow.alarm !== undefined) this.#host.timers.cancel(flow.alarm);
    flow.alarm = undefined;
  }
}

/** A logger whose lines say which flow they are about. */
export function loggerOf(host: ShardHost, flow: FlowInstance): Logger {
  const { flow: name, memberName, clientRequestId, trace } = flow.head;
  return host.log.child({ flowId: flow.id, flow: name, member: memberName, clientRequestId, trace });
}

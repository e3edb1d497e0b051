/**
 * Performs the operations of flows. What an operation does depends only on the checkpoint (journal, unread messages,
 * sessions) and on the clock, so the same code serves a live flow, a replay, and a flow that is looked at again because
 * something may have changed.
 */
import { WeirError } from '../../errors/index.ts';
import { encodeValue, type JournalEntry } from '../../persistence/index.ts';
import { type ChangeSet, partitionOf, type ShardHost } from '../shard/index.ts';
import { actorMessage } from './actor-message.ts';
import type { Parked } from './branch.ts';
import { openEntry, type Resume } from './entries.ts';
import { platformFault } from './faults.ts';
import { actorAddress, operationId } from './ids.ts';
import { type FlowInstance, type StepRun, talkWith, unreadKey } from './instance.ts';
import { record, recordDone, recordFailed } from './journal.ts';
import type { FlowLifecycle } from './lifecycle.ts';
import { maxLabelLength, maxOperationsOfVisit, maxSessionBytes, maxValueBytes, sessionBytes } from './limits.ts';
import { readSignal, report } from './notices.ts';
import type { Op } from './operation.ts';
import type { Registry } from './registry.ts';
import { closedFault, failSession, newSession, receiveFault, sendFault } from './session-record.ts';
import type { FlowSessions } from './sessions.ts';
import type { StepOp, StepRunner } from './step-runner.ts';

export interface PerformerSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly sessions: FlowSessions;
  readonly life: FlowLifecycle;
  readonly steps: StepRunner;
}

/** A sender to a full shard looks again for room after this time. */
const roomPollMs = 50;
/** Credit comes with an acknowledgement, which wakes the sender; this is for those that get lost. */
const creditPollMs = 10_000;
/** Unacknowledged bytes for one shard beyond which flows that send there are held back. */
const maxBacklogBytes = 4 * 1024 * 1024;

/** Stands in an entry for a message to an actor that waits for room and has not been sent. */
const notSent = 1;

const noBytes = new Uint8Array();

export class OperationPerformer {
  readonly #host: ShardHost;
  readonly #registry: Registry;
  readonly #sessions: FlowSessions;
  readonly #life: FlowLifecycle;
  readonly #steps: StepRunner;

  constructor({ host, registry, sessions, life, steps }: PerformerSetup) {
    this.#host = host;
    this.#registry = registry;
    this.#sessions = sessions;
    this.#life = life;
    this.#steps = steps;
  }

  /**
   * Performs an operation, or performs it again: only checkpoint and clock decide. Undefined: the flow waits, and
   * `parked.wait` says on what; or it is STUCK.
   */
  perform(flow: FlowInstance, parked: Parked, changes: ChangeSet): Resume | undefined {
    const { op, index } = parked;
    const unfit = this.#unfit(flow, op, index);
    if (unfit !== undefined) {
      this.#life.stuck(flow, unfit, changes);
      return undefined;
    }
    const limit = maxValueBytes(this.#host);
    if ('body' in op && op.body instanceof Uint8Array && op.body.length > limit) {
      const context = { what: 'a message', flow: flow.head.flow, bytes: op.body.length, limit };
      return recordFailed(flow, parked, platformFault('WEIR_FLOW_TOO_LARGE', context), changes);
    }
    const resume = this.#performed(flow, parked, changes);
    // A branch is not alone: without a record of what it waits on, nobody would know after a restart that it waits.
    if (resume === undefined && parked.wait !== undefined && flow.journal[index] === undefined) {
      const entry = openEntry(parked);
      if (entry.branch) record(flow, index, parked.wait.what === 'room' ? { ...entry, due: notSent } : entry, changes);
    }
    return resume;
  }

  #performed(flow: FlowInstance, parked: Parked, changes: ChangeSet): Resume | undefined {
    const { op } = parked;
    switch (op.op) {
      case 'step':
        return this.#step(flow, parked, op, changes);
      case 'sleep':
        return this.#sleep(flow, parked, op, changes);
      case 'now':
        return recordDone(flow, parked, encodeValue(this.#host.clock.now(), 'the time'), changes);
      case 'enter':
        return recordDone(flow, parked, encodeValue(`${flow.head.visit}.${parked.index}/`, 'a scope'), changes);
      case 'leave': {
        for (const session of flow.head.sessions) {
          if (!session.name.startsWith(op.scope)) continue;
          this.#sessions.end(flow, session, op.kind, op.reason, changes);
        }
        return recordDone(flow, parked, noBytes, changes);
      }
      case 'open':
        return this.#open(flow, parked, op, changes);
      case 'send':
        return this.#send(flow, parked, op, changes);
      case 'receive':
        return this.#receive(flow, parked, op, changes);
      case 'signal':
        return readSignal(flow, parked, op, this.#host.clock.now(), changes);
      case 'progress': {
        const resume = report(flow, parked, op, this.#host.clock.now(), changes);
        this.#life.publish(flow, noBytes, changes, 'lazily');
        return resume;
      }
      case 'close':
        return this.#close(flow, parked, op, changes);
      case 'ask':
      case 'tell':
        return this.#toActor(flow, parked, op, changes);
    }
  }

  /** What is wrong with an operation whatever its outcome: nothing of it could be kept. */
  #unfit({ head }: FlowInstance, op: Op, index: number): WeirError | undefined {
    const { flow, stage } = head;
    if (index >= maxOperationsOfVisit) {
      return new WeirError('WEIR_FLOW_TOO_LONG', { flow, stage, limit: maxOperationsOfVisit });
    }
    const name = op.op === 'open' && op.name.length > op.label.length ? op.name : op.label;
    if (name.length <= maxLabelLength) return undefined;
    const what = `the name "${name.slice(0, 40)}…"`;
    return new WeirError('WEIR_FLOW_TOO_LARGE', { what, flow, bytes: name.length, limit: maxLabelLength });
  }

  #step(flow: FlowInstance, parked: Parked, op: StepOp, changes: ChangeSet): Resume | undefined {
    const { index } = parked;
    const now = this.#host.clock.now();
    const entry = this.#begun(flow, parked, op, now, changes);
    const until = entry?.until ?? 0;
    if (until > 0 && until <= now && !flow.steps.has(index)) {
      return recordFailed(flow, parked, platformFault('WEIR_STEP_DEADLINE', { step: op.label }), changes);
    }
    if (entry !== undefined && entry.due > now) {
      const due = until > 0 ? Math.min(until, entry.due) : entry.due;
      parked.wait = { what: 'retry', label: op.label, due };
      return undefined;
    }
    parked.wait = { what: 'step', label: op.label, due: undefined };
    if (flow.steps.has(index)) return undefined;
    const run: StepRun = { attempt: (entry?.attempts ?? 0) + 1, until, controller: undefined };
    flow.steps.set(index, run);
    changes.after(() => this.#steps.start(flow, index, op, run));
    return undefined;
  }

  /** The entry of a step; one with a deadline has it from its first attempt on. */
  #begun(flow: FlowInstance, parked: Parked, op: StepOp, now: number, changes: ChangeSet): JournalEntry | undefined {
    const entry = flow.journal[parked.index];
    if (op.deadlineMs === undefined || (entry?.until ?? 0) > 0) return entry;
    record(flow, parked.index, { ...(entry ?? openEntry(parked)), until: now + op.deadlineMs }, changes);
    return flow.journal[parked.index];
  }

  #sleep(flow: FlowInstance, parked: Parked, op: Extract<Op, { op: 'sleep' }>, changes: ChangeSet): Resume | undefined {
    const { index } = parked;
    const entry = flow.journal[index];
    const now = this.#host.clock.now();
    const due = entry?.due ?? now + op.ms;
    if (due <= now) return recordDone(flow, parked, noBytes, changes);
    if (entry === undefined) record(flow, index, { ...openEntry(parked), due }, changes);
    parked.wait = { what: 'sleep', label: op.label, due };
    return undefined;
  }

  #open(flow: FlowInstance, parked: Parked, op: Extract<Op, { op: 'open' }>, changes: ChangeSet): Resume | undefined {
    const { index } = parked;
    const { peerName, peerGroup, protocol, name } = op;
    const peer = { name: peerName, group: peerGroup };
    const known = flow.opened(peer, protocol.name, name);
    // The session stands in the head, so the operation needs no entry of its own.
    if (known !== undefined) return { type: 'value', value: known.id };
    const id = operationId(flow.id, flow.head.visit, index);
    const before = flow.session(id);
    if (before !== undefined || index < flow.journal.length) {
      const expected = before === undefined ? 'another session' : `open "${before.protocol} ${before.peerName}"`;
      const context = { flow: flow.head.flow, index, found: `open "${op.label}"`, expected };
      this.#life.stuck(flow, new WeirError('WEIR_FLOW_DIVERGED', context), changes);
      return undefined;
    }
    if (this.#registry.reachable(peerName, peerGroup) === undefined) {
      return recordFailed(
        flow,
        parked,
        platformFault('WEIR_MEMBER_UNKNOWN', { member: peerName, group: peerGroup }),
        changes,
      );
    }
    const bytes = sessionBytes(flow.head.sessions);
    if (bytes > maxSessionBytes) {
      const context = { what: 'the list of sessions', flow: flow.head.flow, bytes, limit: maxSessionBytes };
      return recordFailed(flow, parked, platformFault('WEIR_FLOW_TOO_LARGE', context), changes);
    }
    flow.head.sessions.push(newSession({ id, role: 'initiator', name, peer, protocol, now: this.#host.clock.now() }));
    flow.dirty = true;
    return { type: 'value', value: id };
  }

  #send(flow: FlowInstance, parked: Parked, op: Extract<Op, { op: 'send' }>, changes: ChangeSet): Resume | undefined {
    const session = flow.session(op.session);
    const fault = session === undefined ? closedFault(op.session, session) : sendFault(session);
    if (session === undefined || fault !== undefined) {
      return recordFailed(flow, parked, fault ?? closedFault(op.session, session), changes);
    }
    if (!this.#sessions.hasCredit(flow, session)) {
      if (this.#sessions.askForCredit(flow, session) !== 'unanswered') {
        return this.#waitFor(parked, 'credit', creditPollMs);
      }
      failSession(session, 'failed', 'the peer could not be reached in time');
      flow.dirty = true;
      return recordFailed(flow, parked, sendFault(session) ?? closedFault(op.session, session), changes);
    }
    this.#sessions.send(flow, session, { kind: 'data', type: op.type, body: op.body }, changes);
    return recordDone(flow, parked, noBytes, changes);
  }

  #receive(
    flow: FlowInstance,
    parked: Parked,
    op: Extract<Op, { op: 'receive' }>,
    changes: ChangeSet,
  ): Resume | undefined {
    const entry = flow.journal[parked.index];
    const session = flow.session(op.session);
    if (session === undefined) return recordFailed(flow, parked, closedFault(op.session, session), changes);
    const place = flow.unread.findIndex((message) => message.session === op.session);
    const [message] = place < 0 ? [] : flow.unread.splice(place, 1);
    if (message !== undefined) {
      if (message.stored) changes.remove(unreadKey(flow.id, message.place));
      session.consumed = message.number;
      flow.dirty = true;
      // The sender may be waiting for credit: it hears of reading that is not told with the arrival.
      if (message.stored && (session.consumed === session.received || session.consumed % 16 === 0)) {
        this.#sessions.acknowledgeReading(flow.head, session, changes);
      }
      return recordDone(flow, parked, encodeValue([message.type, message.body], 'a message'), changes);
    }
    const fault = receiveFault(session);
    if (fault !== undefined) return recordFailed(flow, parked, fault, changes);
    const now = this.#host.clock.now();
    const due = entry?.due ?? (op.withinMs === undefined ? 0 : now + op.withinMs);
    if (due > 0 && due <= now) return recordDone(flow, parked, encodeValue([], 'a timeout'), changes);
    if (entry === undefined) {
      // A session that starts with listening has to be opened in so many words.
      if (session.role === 'initiator' && session.sent === 0) {
        this.#sessions.send(flow, session, { kind: 'open', type: '', body: noBytes }, changes);
      }
      record(flow, parked.index, { ...openEntry(parked), due }, changes);
    }
    parked.wait = { what: 'message', label: talkWith(session), due: due === 0 ? undefined : due };
    return undefined;
  }

  #close(flow: FlowInstance, parked: Parked, op: Extract<Op, { op: 'close' }>, changes: ChangeSet): Resume {
    const session = flow.session(op.session);
    if (session !== undefined) this.#sessions.end(flow, session, 'close', '', changes);
    return recordDone(flow, parked, noBytes, changes);
  }

  #toActor(
    flow: FlowInstance,
    parked: Parked,
    op: Extract<Op, { op: 'ask' | 'tell' }>,
    changes: ChangeSet,
  ): Resume | undefined {
    const { index } = parked;
    const entry = flow.journal[index];
    const partition = partitionOf(actorAddress(flow.member, op.actor, op.key), this.#host.partitions);
    if (entry === undefined || entry.due === notSent) {
      if (this.#host.backlogBytes(partition) > maxBacklogBytes) return this.#waitFor(parked, 'room', roomPollMs);
      const { memberName, memberGroup } = flow.head;
      const message = actorMessage.encode({
        kind: op.op,
        request: op.op === 'ask' ? requestId(flow, index) : '',
        flow: flow.id,
        memberName,
        memberGroup,
        actor: op.actor,
        key: op.key,
        type: op.type,
        body: op.body,
        fault: null,
      });
      changes.send(partition, message);
      if (op.op === 'tell') return recordDone(flow, parked, noBytes, changes);
      record(flow, index, { ...openEntry(parked), attempts: flow.head.retries }, changes);
    }
    parked.wait = { what: 'answer', label: op.label, due: undefined };
    return undefined;
  }

  #waitFor(parked: Parked, what: 'credit' | 'room', pollMs: number): undefined {
    parked.wait = { what, label: parked.op.label, due: this.#host.clock.now() + pollMs };
    return undefined;
  }
}

/**
 * Id of the request that an `ask` makes. When an operator's retry asks again, it asks under a new one: the answer to the
 * failed request was given and must not be taken again. An `ask` that is still open keeps the one it was made with.
 */
export function requestId(flow: FlowInstance, index: number): string {
  const retries = flow.journal[index]?.attempts ?? flow.head.retries;
  return `${operationId(flow.id, flow.head.visit, index)}.${retries}`;
}

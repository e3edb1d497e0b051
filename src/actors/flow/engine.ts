/**
 * The flow engine: advances a flow from an input to its next suspension, as one change set.
 *
 * An operation is performed by `#perform`, which looks only at the checkpoint (journal, unread messages, sessions) and
 * at the clock. So the same code serves a live flow, a replay after a restart, and a flow that is looked at again
 * because something may have changed; waking a flow is always "perform its current operation again".
 */
import { WeirError } from '../../errors/index.ts';
import {
  decodeValue,
  encodeValue,
  type FaultRecord,
  flowHead,
  isTerminal,
  type JournalEntry,
  journalEntry,
  type SessionRecord,
  statusRecord,
  unreadRecord,
} from '../../persistence/index.ts';
import type { Logger } from '../../ports/index.ts';
import { ChangeSet, partitionOf, type ShardHost } from '../shard/index.ts';
import { actorMessage } from './actor-message.ts';
import { flowContext, issuesOf, thrownFrom } from './context.ts';
import type { Become, Failed } from './definition.ts';
import { ApplicationError, faultOf, platformFault, verdictOn } from './faults.ts';
import { actorAddress, operationId } from './ids.ts';
import { type FlowInstance, headKey, journalKey, type Resume, type Running, unreadKey } from './instance.ts';
import type { Op } from './operation.ts';
import type { Registry } from './registry.ts';
import type { FlowSessions } from './sessions.ts';
import { backoffMs, retryTimes } from './step.ts';
import { type StepOp, type StepOutcome, StepRunner } from './step-runner.ts';

export interface EngineSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly sessions: FlowSessions;
  readonly statusTopic: string;
  /** The flow has reached a terminal status in `changes`. */
  readonly onEnded: (flow: FlowInstance) => void;
}

/** Operations that one advance performs before it lets a commit and other flows in between. */
const maxOperations = 1_000;
/** A suspended sender looks again for room after this time. */
const roomPollMs = 50;
/** Unacknowledged bytes for one shard beyond which flows that send there are held back. */
const maxBacklogBytes = 4 * 1024 * 1024;

const noBytes = new Uint8Array();

export class FlowEngine {
  readonly #setup: EngineSetup;
  readonly #host: ShardHost;
  readonly steps: StepRunner;

  constructor(setup: EngineSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.steps = new StepRunner(setup.host, (flow, index, op, outcome) => this.#stepSettled(flow, index, op, outcome));
  }

  /** Runs a flow on, as far as it gets, after something may have changed for it. */
  advance(flow: FlowInstance, changes: ChangeSet): void {
    if (flow.head.status !== 'RUNNING' || flow.stepRunning) return;
    const running = flow.running ?? this.#begin(flow);
    if (running === undefined) return;
    this.#disarm(flow);
    flow.waiting = undefined;
    let resume = this.#first(flow, running, changes);
    for (let performed = 0; resume !== undefined; performed++) {
      const { running } = flow;
      if (running === undefined) break;
      if (performed >= maxOperations) {
        // A long run of satisfied operations goes on behind a commit, so that it cannot starve its neighbours (W5).
        running.pending = resume;
        flow.waiting = { what: 'turn', label: '', due: undefined };
        changes.after(() => this.wake(flow));
        break;
      }
      resume = this.#resume(flow, running, resume, changes);
    }
    this.#store(flow, changes);
  }

  /** Advances a flow by itself, in a change set of its own. */
  wake(flow: FlowInstance): void {
    const changes = new ChangeSet();
    this.advance(flow, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  /** Something of a flow has changed from outside: keeps it, and lets the flow go on if it waited for that. */
  absorb(flow: FlowInstance, changes: ChangeSet): void {
    this.advance(flow, changes);
    this.#store(flow, changes);
  }

  /** An answer for the request that a flow waits on; false when it waits on no such request. */
  answered(
    flow: FlowInstance,
    request: string,
    outcome: { value: Uint8Array } | { fault: FaultRecord },
    changes: ChangeSet,
  ): boolean {
    const index = flow.journal.length - 1;
    const entry = flow.journal[index];
    if (entry?.op !== 'ask' || entry.state !== 'open' || this.#requestId(flow, index) !== request) return false;
    const settled: JournalEntry =
      'value' in outcome
        ? { ...entry, state: 'done', value: outcome.value, due: 0 }
        : { ...entry, state: 'failed', fault: outcome.fault, due: 0 };
    this.#journal(flow, index, settled, changes);
    this.advance(flow, changes);
    return true;
  }

  /** Ends a flow from outside. */
  kill(flow: FlowInstance, reason: string, changes: ChangeSet): void {
    flow.abort?.abort(new Error('the flow was killed'));
    flow.head.fault = faultOf(new ApplicationError('KILLED', reason === '' ? 'killed' : `killed: ${reason}`));
    this.#end(flow, 'KILLED', noBytes, 'error', 'the flow was killed', changes);
    this.#store(flow, changes);
  }

  /** Lets a STUCK flow try again what failed. */
  retry(flow: FlowInstance, changes: ChangeSet): void {
    const { head } = flow;
    head.status = 'RUNNING';
    head.retries++;
    head.fault = null;
    const last = flow.journal.length - 1;
    const entry = flow.journal[last];
    // What failed is performed anew: the operation whose error came back uncaught, or a step out of attempts.
    if (entry !== undefined && (last === head.faultEntry || (entry.op === 'step' && entry.state === 'open'))) {
      flow.journal.length = last;
      changes.remove(journalKey(flow.id, head.visit, last));
    }
    head.faultEntry = -1;
    this.#touch(flow);
    this.#publish(flow, noBytes, changes);
    this.advance(flow, changes);
    this.#store(flow, changes);
  }

  /** Status and head of a flow that has just been accepted. */
  accept(flow: FlowInstance, changes: ChangeSet): void {
    flow.dirty = true;
    this.#publish(flow, noBytes, changes);
    this.advance(flow, changes);
    this.#store(flow, changes);
  }

  /** Arms what a restored flow waits for, or runs it on (W6). */
  rearm(flow: FlowInstance): void {
    const last = flow.journal.at(-1);
    const patient = last?.state === 'open' && last.op !== 'step' && flow.unread.length === 0;
    if (patient && !(last.op === 'receive' && flow.head.sessions.some(({ peer }) => peer !== 'open'))) {
      flow.waiting = {
        what: last.op === 'sleep' ? 'sleep' : last.op === 'ask' ? 'answer' : 'message',
        label: last.label,
        due: last.due === 0 ? undefined : last.due,
      };
      if (last.due > 0) this.#arm(flow, last.due);
    } else {
      this.wake(flow);
    }
  }

  // --- running

  #begin(flow: FlowInstance): Running | undefined {
    const { head, definition } = flow;
    const stage = definition?.stages[head.stage];
    if (definition === undefined || stage === undefined || head.version > definition.version) {
      flow.waiting = {
        what: 'code',
        label: `${head.flow} version ${head.version}, stage ${head.stage}`,
        due: undefined,
      };
      return undefined;
    }
    const running: Running = {
      generator: undefined as never,
      next: 0,
      current: undefined,
      pending: undefined,
      thrown: undefined,
      live: false,
    };
    const context = flowContext({
      flow,
      definition,
      live: () => running.live,
      logger: () => this.#logger(flow),
    });
    flow.running = Object.assign(running, { generator: stage(decodeValue(head.state), context) });
    return flow.running;
  }

  /** What an advance starts with: the beginning, or the operation that the flow waits on. */
  #first(flow: FlowInstance, running: Running, changes: ChangeSet): Resume | undefined {
    const { current, pending } = running;
    if (pending !== undefined) {
      running.pending = undefined;
      return pending;
    }
    if (current === undefined) return { type: 'value', value: undefined };
    return this.#perform(flow, current.op, current.index, changes);
  }

  /** Resumes the generator and performs what it yields. */
  #resume(flow: FlowInstance, running: Running, resume: Resume, changes: ChangeSet): Resume | undefined {
    running.live = running.next >= flow.journal.length;
    let result: IteratorResult<Op, unknown>;
    try {
      if (resume.type === 'throw') {
        running.thrown = resume;
        result = running.generator.throw(resume.error);
      } else {
        result = running.generator.next(resume.value);
      }
    } catch (thrown) {
      this.#uncaught(flow, running, thrown, changes);
      return undefined;
    }
    if (result.done === true) return this.#returned(flow, result.value, changes);
    const op: unknown = result.value;
    if (!isOperation(op)) {
      const found = op === undefined ? 'nothing' : typeof op;
      this.#stuck(
        flow,
        new WeirError('WEIR_FLOW_OPERATION_UNKNOWN', { flow: flow.head.flow, stage: flow.head.stage, found }),
        changes,
      );
      return undefined;
    }
    const index = running.next++;
    running.current = { op, index };
    return this.#perform(flow, op, index, changes);
  }

  #returned(flow: FlowInstance, value: unknown, changes: ChangeSet): Resume | undefined {
    if (isOutcome(value, 'become')) return this.#become(flow, value as Become, changes);
    if (isOutcome(value, 'failed')) {
      const { code, details } = value as Failed;
      this.#fail(flow, faultOf(new ApplicationError(code, `the flow ended with "${code}"`, details)), changes);
      return undefined;
    }
    const { definition } = flow;
    try {
      let result = value;
      if (definition?.result !== undefined) {
        const parsed = definition.result.safeParse(value);
        if (!parsed.success) {
          throw new WeirError('WEIR_FLOW_RESULT_INVALID', { flow: definition.name, why: issuesOf(parsed.error) });
        }
        result = parsed.data;
      }
      const bytes = encodeValue(result, `the result of flow ${flow.head.flow}`);
      this.#checkSize(flow, 'the result', bytes.length);
      this.#end(flow, 'COMPLETED', bytes, 'close', '', changes);
    } catch (error) {
      this.#stuck(flow, error, changes);
    }
    return undefined;
  }

  #become(flow: FlowInstance, { stage, state }: Become, changes: ChangeSet): Resume | undefined {
    const { head } = flow;
    let bytes: Uint8Array;
    try {
      bytes = encodeValue(state, `the state of stage "${stage}" of flow ${head.flow}`);
      this.#checkSize(flow, 'the state', bytes.length);
    } catch (error) {
      this.#stuck(flow, error, changes);
      return undefined;
    }
    this.#dropJournal(flow, changes);
    head.stage = stage;
    head.visit++;
    head.state = bytes;
    this.#touch(flow);
    this.#publish(flow, noBytes, changes);
    flow.running = undefined;
    return this.#begin(flow) === undefined ? undefined : { type: 'value', value: undefined };
  }

  #uncaught(flow: FlowInstance, running: Running, thrown: unknown, changes: ChangeSet): void {
    const last = running.thrown;
    flow.head.faultEntry = last !== undefined && last.error === thrown ? last.entry : -1;
    if (verdictOn(thrown) === 'FAILED') this.#fail(flow, faultOf(thrown), changes);
    else this.#stuck(flow, thrown, changes);
  }

  // --- operations

  #perform(flow: FlowInstance, op: Op, index: number, changes: ChangeSet): Resume | undefined {
    const entry = flow.journal[index];
    if (entry !== undefined) {
      if (entry.op !== op.op || entry.label !== op.label) {
        const found = `${op.op} "${op.label}"`;
        const expected = `${entry.op} "${entry.label}"`;
        this.#stuck(
          flow,
          new WeirError('WEIR_FLOW_DIVERGED', { flow: flow.head.flow, index, found, expected }),
          changes,
        );
        return undefined;
      }
      if (entry.state === 'done') return { type: 'value', value: valueOf(entry) };
      if (entry.state === 'failed' && entry.fault !== null) {
        return { type: 'throw', error: thrownFrom(entry.fault), entry: index };
      }
    } else if (index < flow.journal.length && op.op !== 'open') {
      const expected = 'the opening of a session';
      this.#stuck(
        flow,
        new WeirError('WEIR_FLOW_DIVERGED', { flow: flow.head.flow, index, found: op.op, expected }),
        changes,
      );
      return undefined;
    }
    switch (op.op) {
      case 'step':
        return this.#step(flow, op, index, entry, changes);
      case 'sleep':
        return this.#sleep(flow, op, index, entry, changes);
      case 'now':
        return this.#done(flow, index, op, encodeValue(this.#host.clock.now(), 'the time'), changes);
      case 'open':
        return this.#open(flow, op, index, changes);
      case 'send':
        return this.#send(flow, op, index, changes);
      case 'receive':
        return this.#receive(flow, op, index, entry, changes);
      case 'close':
        return this.#close(flow, op, index, changes);
      case 'ask':
      case 'tell':
        return this.#toActor(flow, op, index, entry, changes);
    }
  }

  #step(flow: FlowInstance, op: StepOp, index: number, entry: JournalEntry | undefined, changes: ChangeSet): undefined {
    const attempt = (entry?.attempts ?? 0) + 1;
    if (entry !== undefined && entry.due > this.#host.clock.now()) {
      flow.waiting = { what: 'retry', label: op.label, due: entry.due };
      this.#arm(flow, entry.due);
      return undefined;
    }
    flow.waiting = { what: 'step', label: op.label, due: undefined };
    flow.stepRunning = true;
    const { incarnation } = flow;
    changes.after(() => {
      if (flow.incarnation === incarnation) this.steps.start(flow, index, op, attempt);
    });
    return undefined;
  }

  #stepSettled(flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome): void {
    flow.stepRunning = false;
    const changes = new ChangeSet();
    const before = flow.journal[index];
    const attempts = (before?.attempts ?? 0) + 1;
    const entry: JournalEntry = {
      op: op.op,
      label: op.label,
      state: 'done',
      value: noBytes,
      fault: null,
      due: 0,
      attempts,
    };
    switch (outcome.type) {
      case 'done':
        this.#journal(flow, index, { ...entry, value: outcome.value }, changes);
        break;
      case 'failed':
        this.#journal(flow, index, { ...entry, state: 'failed', fault: outcome.fault }, changes);
        break;
      case 'transient': {
        const policy = retryTimes(op.options.retry, flow.definition?.retry);
        const due = this.#host.clock.now() + backoffMs(policy, attempts, this.#host.random.next());
        this.#journal(flow, index, { ...entry, state: 'open', due }, changes);
        if (attempts >= policy.attempts) {
          const why = outcome.error.message;
          this.#stuck(
            flow,
            new WeirError('WEIR_STEP_EXHAUSTED', { step: op.label, attempts, why }, outcome.error),
            changes,
          );
        }
      }
    }
    this.advance(flow, changes);
    this.#store(flow, changes);
    this.#host.add(changes);
  }

  #sleep(
    flow: FlowInstance,
    op: Extract<Op, { op: 'sleep' }>,
    index: number,
    entry: JournalEntry | undefined,
    changes: ChangeSet,
  ): Resume | undefined {
    const now = this.#host.clock.now();
    const due = entry?.due ?? now + op.ms;
    if (due <= now) return this.#done(flow, index, op, noBytes, changes);
    if (entry === undefined) this.#journal(flow, index, { ...openEntry(op), due }, changes);
    flow.waiting = { what: 'sleep', label: op.label, due };
    this.#arm(flow, due);
    return undefined;
  }

  #open(flow: FlowInstance, op: Extract<Op, { op: 'open' }>, index: number, changes: ChangeSet): Resume {
    const { peerName, peerGroup, protocol, name } = op;
    const peer = { name: peerName, group: peerGroup };
    const known = flow.opened(peer, protocol.name, name);
    // The session stands in the head, so the operation needs no entry of its own.
    if (known !== undefined) return { type: 'value', value: known.id };
    if (this.#setup.registry.find(peerName, peerGroup) === undefined) {
      return this.#refused(
        flow,
        index,
        op,
        platformFault('WEIR_MEMBER_UNKNOWN', { member: peerName, group: peerGroup }),
        changes,
      );
    }
    const session: SessionRecord = {
      id: operationId(flow.id, flow.head.visit, index),
      name,
      role: 'initiator',
      protocol: protocol.name,
      version: protocol.version,
      peerName,
      peerGroup,
      sent: 0,
      received: 0,
      consumed: 0,
      status: 'open',
      peer: 'open',
      peerError: '',
    };
    flow.head.sessions.push(session);
    flow.dirty = true;
    return { type: 'value', value: session.id };
  }

  #send(flow: FlowInstance, op: Extract<Op, { op: 'send' }>, index: number, changes: ChangeSet): Resume | undefined {
    const session = flow.session(op.session);
    const fault = session === undefined || session.status === 'closed' ? closed(op.session, session) : failed(session);
    if (session === undefined || fault !== undefined) {
      return this.#refused(flow, index, op, fault ?? closed(op.session, session), changes);
    }
    if (!this.#setup.sessions.hasCredit(session)) return this.#waitForRoom(flow, 'credit', op.label);
    this.#setup.sessions.send(flow, session, { kind: 'data', type: op.type, body: op.body }, changes);
    return this.#done(flow, index, op, noBytes, changes);
  }

  #receive(
    flow: FlowInstance,
    op: Extract<Op, { op: 'receive' }>,
    index: number,
    entry: JournalEntry | undefined,
    changes: ChangeSet,
  ): Resume | undefined {
    const session = flow.session(op.session);
    if (session === undefined) return this.#refused(flow, index, op, closed(op.session, session), changes);
    const place = flow.unread.findIndex((message) => message.session === op.session);
    const [message] = place < 0 ? [] : flow.unread.splice(place, 1);
    if (message !== undefined) {
      if (message.stored) changes.remove(unreadKey(flow.id, message.place));
      session.consumed = message.number;
      flow.dirty = true;
      // The sender may be waiting for credit: it hears of reading that is not told with the arrival.
      if (message.stored && (session.consumed === session.received || session.consumed % 16 === 0)) {
        this.#setup.sessions.acknowledgeReading(flow.head, session, changes);
      }
      return this.#done(flow, index, op, encodeValue([message.type, message.body], 'a message'), changes);
    }
    const fault = session.peer === 'closed' ? closed(op.session, session) : failed(session);
    if (fault !== undefined) return this.#refused(flow, index, op, fault, changes);
    const now = this.#host.clock.now();
    const due = entry?.due ?? (op.withinMs === undefined ? 0 : now + op.withinMs);
    if (due > 0 && due <= now) return this.#done(flow, index, op, encodeValue(['', noBytes], 'a timeout'), changes);
    if (entry === undefined) {
      // A session that starts with listening has to be opened in so many words.
      if (session.role === 'initiator' && session.sent === 0) {
        this.#setup.sessions.send(flow, session, { kind: 'open', type: '', body: noBytes }, changes);
      }
      this.#journal(flow, index, { ...openEntry(op), due }, changes);
    }
    flow.waiting = {
      what: 'message',
      label: `${session.protocol} from ${session.peerName}`,
      due: due === 0 ? undefined : due,
    };
    if (due > 0) this.#arm(flow, due);
    return undefined;
  }

  #close(flow: FlowInstance, op: Extract<Op, { op: 'close' }>, index: number, changes: ChangeSet): Resume {
    const session = flow.session(op.session);
    if (session?.status === 'open') {
      session.status = 'closed';
      flow.dirty = true;
      const heard = session.role === 'responder' || session.sent > 0;
      if (heard && session.peer !== 'failed') {
        this.#setup.sessions.send(flow, session, { kind: 'close', type: '', body: noBytes }, changes);
      }
    }
    return this.#done(flow, index, op, noBytes, changes);
  }

  #toActor(
    flow: FlowInstance,
    op: Extract<Op, { op: 'ask' | 'tell' }>,
    index: number,
    entry: JournalEntry | undefined,
    changes: ChangeSet,
  ): Resume | undefined {
    const partition = partitionOf(actorAddress(flow.member, op.actor, op.key), this.#host.partitions);
    if (entry === undefined) {
      if (this.#host.backlogBytes(partition) > maxBacklogBytes) return this.#waitForRoom(flow, 'room', op.label);
      const { memberName, memberGroup } = flow.head;
      const message = actorMessage.encode({
        kind: op.op,
        request: op.op === 'ask' ? this.#requestId(flow, index) : '',
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
      if (op.op === 'tell') return this.#done(flow, index, op, noBytes, changes);
      this.#journal(flow, index, openEntry(op), changes);
    }
    flow.waiting = { what: 'answer', label: op.label, due: undefined };
    return undefined;
  }

  /** A retry asks under a new id: the answer to the failed request was given and must not be taken again. */
  #requestId(flow: FlowInstance, index: number): string {
    return `${operationId(flow.id, flow.head.visit, index)}.${flow.head.retries}`;
  }

  #waitForRoom(flow: FlowInstance, what: 'credit' | 'room', label: string): undefined {
    const due = this.#host.clock.now() + roomPollMs;
    flow.waiting = { what, label, due };
    this.#arm(flow, due);
    return undefined;
  }

  // --- outcomes

  #done(flow: FlowInstance, index: number, op: Op, value: Uint8Array, changes: ChangeSet): Resume {
    const entry: JournalEntry = { ...openEntry(op), state: 'done', value };
    this.#journal(flow, index, entry, changes);
    return { type: 'value', value: valueOf(entry) };
  }

  #refused(flow: FlowInstance, index: number, op: Op, fault: FaultRecord, changes: ChangeSet): Resume {
    this.#journal(flow, index, { ...openEntry(op), state: 'failed', fault }, changes);
    return { type: 'throw', error: thrownFrom(fault), entry: index };
  }

  #journal(flow: FlowInstance, index: number, entry: JournalEntry, changes: ChangeSet): void {
    flow.journal[index] = entry;
    changes.put(journalKey(flow.id, flow.head.visit, index), journalEntry.encode(entry));
  }

  #fail(flow: FlowInstance, fault: FaultRecord, changes: ChangeSet): void {
    flow.head.fault = fault;
    this.#end(flow, 'FAILED', noBytes, 'error', fault.message, changes);
  }

  #end(
    flow: FlowInstance,
    status: 'COMPLETED' | 'FAILED' | 'KILLED',
    result: Uint8Array,
    farewell: 'close' | 'error',
    reason: string,
    changes: ChangeSet,
  ): void {
    const { head } = flow;
    this.#setup.sessions.endAll(flow, farewell, reason, changes);
    this.#dropJournal(flow, changes);
    for (const message of flow.unread) if (message.stored) changes.remove(unreadKey(flow.id, message.place));
    flow.unread = [];
    head.status = status;
    // Of an ended flow only what dedupe needs is kept; its result stands in its status.
    head.state = noBytes;
    head.sessions = [];
    this.#touch(flow);
    this.#halt(flow);
    this.#publish(flow, result, changes);
    this.#setup.onEnded(flow);
  }

  /** Into the hospital: nothing is lost, an operator decides. */
  #stuck(flow: FlowInstance, thrown: unknown, changes: ChangeSet): void {
    const { head } = flow;
    head.status = 'STUCK';
    head.fault = faultOf(thrown);
    this.#touch(flow);
    this.#halt(flow);
    flow.waiting = { what: 'operator', label: head.fault.code, due: undefined };
    this.#publish(flow, noBytes, changes);
    this.#logger(flow).error({ code: head.fault.code, error: head.fault.message }, 'flow is stuck');
  }

  #halt(flow: FlowInstance): void {
    flow.incarnation++;
    flow.running = undefined;
    flow.stepRunning = false;
    flow.waiting = undefined;
    flow.abort = undefined;
    this.#disarm(flow);
  }

  #dropJournal(flow: FlowInstance, changes: ChangeSet): void {
    for (let index = 0; index < flow.journal.length; index++) {
      if (flow.journal[index] !== undefined) changes.remove(journalKey(flow.id, flow.head.visit, index));
    }
    flow.journal.length = 0;
  }

  #touch(flow: FlowInstance): void {
    flow.head.updated = this.#host.clock.now();
    flow.dirty = true;
  }

  /** Writes what the advance left in memory: unread messages, and the head when it changed. */
  #store(flow: FlowInstance, changes: ChangeSet): void {
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

  #publish(flow: FlowInstance, result: Uint8Array, changes: ChangeSet): void {
    const { head } = flow;
    const startedBy = head.acts[0]?.principal ?? '';
    const record = statusRecord.encode({ ...head, startedBy, result });
    changes.publish(this.#setup.statusTopic, flow.id, record);
  }

  #checkSize(flow: FlowInstance, what: string, bytes: number): void {
    const limit = this.#host.limits.maxRecordBytes / 2;
    if (bytes > limit) throw new WeirError('WEIR_FLOW_TOO_LARGE', { what, flow: flow.head.flow, bytes, limit });
  }

  #arm(flow: FlowInstance, due: number): void {
    this.#disarm(flow);
    flow.alarm = this.#host.timers.at(due, () => {
      flow.alarm = undefined;
      if (!isTerminal(flow.head.status)) this.wake(flow);
    });
  }

  #disarm(flow: FlowInstance): void {
    if (flow.alarm !== undefined) this.#host.timers.cancel(flow.alarm);
    flow.alarm = undefined;
  }

  #logger(flow: FlowInstance): Logger {
    const { flow: name, memberName, clientRequestId, trace } = flow.head;
    return this.#host.log.child({ flowId: flow.id, flow: name, member: memberName, clientRequestId, trace });
  }
}

function openEntry(op: Op): JournalEntry {
  return { op: op.op, label: op.label, state: 'open', value: noBytes, fault: null, due: 0, attempts: 0 };
}

function valueOf(entry: JournalEntry): unknown {
  return entry.value.length === 0 ? undefined : decodeValue(entry.value);
}

function closed(session: string, record: SessionRecord | undefined): FaultRecord {
  return platformFault('WEIR_SESSION_CLOSED', { session, peer: record?.peerName ?? '' });
}

function failed(session: SessionRecord): FaultRecord | undefined {
  if (session.peer !== 'failed') return undefined;
  return platformFault('WEIR_SESSION_FAILED', { session: session.id, peer: session.peerName, why: session.peerError });
}

function isOperation(value: unknown): value is Op {
  return typeof value === 'object' && value !== null && 'op' in value && 'label' in value;
}

function isOutcome(value: unknown, outcome: string): boolean {
  return typeof value === 'object' && value !== null && 'outcome' in value && value.outcome === outcome;
}

/**
 * The flow engine: advances a flow from an input to its next suspension, as one change set. Waking a flow is always
 * "perform its current operation again"; the performer says whether it may go on.
 */
import { types } from 'node:util';
import { messageOf, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type FaultRecord, type JournalEntry } from '../../persistence/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowActs } from './acts.ts';
import { flowContext, issuesOf } from './context.ts';
import { Duties } from './duties.ts';
import { ApplicationError, faultOf, verdictOn } from './faults.ts';
import { type FlowInstance, type Resume, type Running, talkWith } from './instance.ts';
import { dropJournal, record } from './journal.ts';
import { FlowLifecycle, loggerOf } from './lifecycle.ts';
import { checkSize } from './limits.ts';
import { OperationRequest } from './operation.ts';
import { type Become, isBecome, isFailed } from './outcome.ts';
import { OperationPerformer, requestId } from './performer.ts';
import type { Registry } from './registry.ts';
import type { FlowSessions } from './sessions.ts';
import { backoffMs } from './step.ts';
import { type StepOp, type StepOutcome, StepRunner } from './step-runner.ts';

export interface EngineSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly sessions: FlowSessions;
  readonly statusTopic: string;
  readonly acts: FlowActs;
  /** The flow has reached a terminal status in `changes`. */
  readonly onEnded: (flow: FlowInstance) => void;
  /** The flow has run on, and may have a live generator now, or none any more. */
  readonly onAdvanced: (flow: FlowInstance) => void;
  /** How long a flow may be STUCK before it is ended, in milliseconds. */
  readonly hospitalMs: number;
}

/** Operations that one advance performs before it lets a commit and other flows in between. */
const maxOperations = 1_000;

/** Bytes of changes after which it does the same. */
const maxBytes = 1024 * 1024;

const noBytes = new Uint8Array();

export class FlowEngine {
  readonly #host: ShardHost;
  readonly steps: StepRunner;
  readonly life: FlowLifecycle;
  readonly #performer: OperationPerformer;
  readonly #onAdvanced: EngineSetup['onAdvanced'];

  constructor(setup: EngineSetup) {
    this.#host = setup.host;
    this.#onAdvanced = setup.onAdvanced;
    this.steps = new StepRunner(setup.host, (flow, index, op, outcome) => this.#stepSettled(flow, index, op, outcome));
    this.life = new FlowLifecycle({ ...setup, wake: (flow) => this.wake(flow) });
    this.#performer = new OperationPerformer({ ...setup, life: this.life, steps: this.steps });
  }

  /**
   * Runs a flow on, as far as it gets, after something may have changed for it. Whatever its code and values bring
   * about concerns this flow alone (W5): what nobody foresaw puts it into the hospital, never its shard out of order.
   */
  advance(flow: FlowInstance, changes: ChangeSet): void {
    try {
      this.#advance(flow, changes);
    } catch (thrown) {
      this.life.stuck(flow, thrown, changes);
      this.life.store(flow, changes);
    }
    this.#onAdvanced(flow);
  }

  #advance(flow: FlowInstance, changes: ChangeSet): void {
    if (flow.head.status !== 'RUNNING' || flow.stepRunning) return;
    const running = flow.running ?? this.#begin(flow, changes);
    if (running === undefined) {
      this.life.store(flow, changes);
      return;
    }
    this.life.disarm(flow);
    flow.waiting = undefined;
    let resume = this.#first(flow, running, changes);
    for (let performed = 0; resume !== undefined; performed++) {
      const { running } = flow;
      if (running === undefined) break;
      if (performed >= maxOperations || changes.bytes > maxBytes) {
        // A long run of satisfied operations goes on behind a commit, so that it cannot starve its neighbours (W5).
        running.pending = resume;
        flow.waiting = { what: 'turn', label: '', due: undefined };
        changes.after(() => this.wake(flow));
        break;
      }
      resume = this.#resume(flow, running, resume, changes);
    }
    this.life.store(flow, changes);
  }

  /** Advances a flow by itself, in a change set of its own. */
  wake(flow: FlowInstance): void {
    const changes = new ChangeSet();
    if (this.life.overdue(flow)) this.kill(flow, "nobody acted before the hospital's deadline", changes);
    else this.advance(flow, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  /** Something of a flow has changed from outside: keeps it, and lets the flow go on if it waited for that. */
  absorb(flow: FlowInstance, changes: ChangeSet): void {
    this.advance(flow, changes);
    this.life.store(flow, changes);
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
    if (entry?.op !== 'ask' || entry.state !== 'open' || requestId(flow, index) !== request) return false;
    const settled: JournalEntry =
      'value' in outcome
        ? { ...entry, state: 'done', value: outcome.value, due: 0 }
        : { ...entry, state: 'failed', fault: outcome.fault, due: 0 };
    record(flow, index, settled, changes);
    this.advance(flow, changes);
    return true;
  }

  /** Ends a flow from outside. */
  kill(flow: FlowInstance, reason: string, changes: ChangeSet): void {
    flow.abort?.abort(new Error('the flow was killed'));
    flow.head.fault = faultOf(new ApplicationError('KILLED', reason === '' ? 'killed' : `killed: ${reason}`));
    this.life.end(flow, 'KILLED', noBytes, 'error', 'the flow was killed', changes);
    this.life.store(flow, changes);
  }

  /** Lets a STUCK flow go on; whatever kept it has been corrected. */
  resume(flow: FlowInstance, changes: ChangeSet): void {
    const { head } = flow;
    head.status = 'RUNNING';
    head.retries++;
    head.fault = null;
    head.faultEntry = -1;
    this.life.disarm(flow);
    this.life.touch(flow);
    this.life.publish(flow, noBytes, changes);
    this.advance(flow, changes);
    this.life.store(flow, changes);
  }

  /** Status and head of a flow that has just been accepted. */
  accept(flow: FlowInstance, changes: ChangeSet): void {
    flow.dirty = true;
    this.life.publish(flow, noBytes, changes);
    this.advance(flow, changes);
    this.life.store(flow, changes);
  }

  /** Arms what a restored flow waits for, or runs it on (W6). */
  rearm(flow: FlowInstance): void {
    const last = flow.journal.at(-1);
    const patient = last?.state === 'open' && last.op !== 'step' && flow.unread.length === 0;
    if (patient && !(last.op === 'receive' && flow.head.sessions.some(({ peer }) => peer !== 'open'))) {
      const session = last.op === 'receive' ? flow.session(last.label) : undefined;
      flow.waiting = {
        what: last.op === 'sleep' ? 'sleep' : last.op === 'ask' ? 'answer' : 'message',
        label: session === undefined ? last.label : talkWith(session),
        due: last.due === 0 ? undefined : last.due,
      };
      if (last.due > 0) this.life.arm(flow, last.due);
    } else {
      this.wake(flow);
    }
  }

  // --- running

  #begin(flow: FlowInstance, changes: ChangeSet): Running | undefined {
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
      executing: false,
      duties: new Duties(),
    };
    const context = flowContext({
      flow,
      definition,
      live: () => running.live,
      place: () => `${running.executing ? '' : 'body '}${running.next}`,
      duties: running.duties,
      logger: () => loggerOf(this.#host, flow),
    });
    try {
      const generator: unknown = stage(decodeValue(head.state), context);
      if (!types.isGeneratorObject(generator)) {
        const why = `the stage "${head.stage}" is not a generator: write "*${head.stage}(...)"`;
        throw new WeirError('WEIR_FLOW_DEFINITION', { name: head.flow, why });
      }
      flow.running = Object.assign(running, { generator });
    } catch (thrown) {
      // Parameters are taken apart when a generator is made, not when it runs; and the state may be unreadable.
      this.life.stuck(flow, thrown, changes);
      return undefined;
    }
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
    return this.#performer.perform(flow, current.op, current.index, changes);
  }

  /** Resumes the generator and performs what it yields. */
  #resume(flow: FlowInstance, running: Running, resume: Resume, changes: ChangeSet): Resume | undefined {
    running.live = running.next >= flow.journal.length;
    let result: IteratorResult<OperationRequest, unknown>;
    running.executing = true;
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
    } finally {
      running.executing = false;
    }
    if (result.done === true) return this.#returned(flow, running, result.value, changes);
    const request: unknown = result.value;
    if (!(request instanceof OperationRequest)) {
      const context = { flow: flow.head.flow, stage: flow.head.stage, found: nameOf(request) };
      this.life.stuck(flow, new WeirError('WEIR_FLOW_OPERATION_UNKNOWN', context), changes);
      return undefined;
    }
    const { op } = request;
    const index = running.next++;
    running.current = { op, index };
    return this.#performer.perform(flow, op, index, changes);
  }

  #returned(flow: FlowInstance, running: Running, value: unknown, changes: ChangeSet): Resume | undefined {
    if (this.#endedTooSoon(flow, running, 'the end of the stage', changes)) return undefined;
    const forgotten = running.duties.forgotten(flow.head.flow, flow.head.stage, value);
    if (forgotten !== undefined) {
      this.life.stuck(flow, forgotten, changes);
      return undefined;
    }
    if (isBecome(value)) return this.#become(flow, value, changes);
    if (isFailed(value)) {
      const { code, details } = value;
      this.life.fail(flow, faultOf(new ApplicationError(code, `the flow ended with "${code}"`, details)), changes);
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
      } else if (value !== undefined) {
        const why = `it declares no result, and returned ${nameOf(value)}`;
        throw new WeirError('WEIR_FLOW_RESULT_INVALID', { flow: flow.head.flow, why });
      }
      const bytes = encodeValue(result, `the result of flow ${flow.head.flow}`);
      checkSize(this.#host, flow.head.flow, 'the result', bytes.length);
      this.life.end(flow, 'COMPLETED', bytes, 'close', '', changes);
    } catch (error) {
      this.life.stuck(flow, error, changes);
    }
    return undefined;
  }

  #become(flow: FlowInstance, { stage, state }: Become, changes: ChangeSet): Resume | undefined {
    const { head } = flow;
    let bytes: Uint8Array;
    try {
      bytes = encodeValue(state, `the state of stage "${stage}" of flow ${head.flow}`);
      checkSize(this.#host, flow.head.flow, 'the state', bytes.length);
    } catch (error) {
      this.life.stuck(flow, error, changes);
      return undefined;
    }
    dropJournal(flow, changes);
    head.stage = stage;
    head.visit++;
    head.state = bytes;
    this.life.touch(flow);
    this.life.publish(flow, noBytes, changes);
    flow.running = undefined;
    return this.#begin(flow, changes) === undefined ? undefined : { type: 'value', value: undefined };
  }

  /** Whether a stage ended at replay before it had done all that it did the first time; then it is STUCK. */
  #endedTooSoon(flow: FlowInstance, running: Running, found: string, changes: ChangeSet): boolean {
    const index = flow.journal.findIndex((entry, place) => entry !== undefined && place >= running.next);
    const entry = flow.journal[index];
    if (entry === undefined) return false;
    const expected = `${entry.op} "${entry.label}"`;
    this.life.stuck(
      flow,
      new WeirError('WEIR_FLOW_DIVERGED', { flow: flow.head.flow, index, found, expected }),
      changes,
    );
    return true;
  }

  #uncaught(flow: FlowInstance, running: Running, thrown: unknown, changes: ChangeSet): void {
    if (this.#endedTooSoon(flow, running, `the error "${messageOf(thrown)}"`, changes)) return;
    const last = running.thrown;
    flow.head.faultEntry = last !== undefined && last.error === thrown ? last.entry : -1;
    if (verdictOn(thrown) === 'FAILED') this.life.fail(flow, faultOf(thrown), changes);
    else this.life.stuck(flow, thrown, changes);
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
        record(flow, index, { ...entry, value: outcome.value }, changes);
        break;
      case 'failed':
        record(flow, index, { ...entry, state: 'failed', fault: outcome.fault }, changes);
        break;
      case 'transient': {
        const policy = op.retry;
        const due = this.#host.clock.now() + backoffMs(policy, attempts, this.#host.random.next());
        record(flow, index, { ...entry, state: 'open', due }, changes);
        if (attempts >= policy.attempts) {
          const why = outcome.error.message;
          this.life.stuck(
            flow,
            new WeirError('WEIR_STEP_EXHAUSTED', { step: op.label, attempts, why }, outcome.error),
            changes,
          );
        }
      }
    }
    this.advance(flow, changes);
    this.life.store(flow, changes);
    this.#host.add(changes);
  }
}

/** What flow code yielded in place of an operation, as its developer would call it. */
function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (types.isGeneratorObject(value)) return 'an operation without "*"';
  if (types.isPromise(value)) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  return typeof value;
}

/**
 * The flow engine: advances a flow from an input to its next suspension, as one change set. Waking a flow is always
 * "perform its current operation again"; the performer says whether it may go on.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import { encodeValue, type FaultRecord, type JournalEntry, withFailure } from '../../persistence/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowActs } from './acts.ts';
import { stageRun } from './begin.ts';
import { issuesOf } from './context.ts';
import { type StageStart, unasked } from './dry-run.ts';
import { entryAt } from './entries.ts';
import { ApplicationError, failureOf, faultOf, platformFault, verdictOn } from './faults.ts';
import { placeInRequest } from './ids.ts';
import { type FlowInstance, talkWith } from './instance.ts';
import { dropJournal, record } from './journal.ts';
import { FlowLifecycle, loggerOf } from './lifecycle.ts';
import { checkSize, cut } from './limits.ts';
import { type Become, isBecome, isFailed } from './outcome.ts';
import { OperationPerformer, requestId } from './performer.ts';
import type { WaitingOn } from './protocol.ts';
import type { Registry } from './registry.ts';
import { replayCheck } from './replay-check.ts';
import type { FlowSessions } from './sessions.ts';
import { nameOf, type StageDriver, type StageEnd, type StageRun } from './stage-run.ts';
import { backoffMs } from './step.ts';
import { type StepOp, type StepOutcome, StepRunner } from './step-runner.ts';
import { codeFor, codeWanted, lacksCode } from './versions.ts';

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
  /** Longest time of one attempt of a step, unless it says otherwise, in milliseconds. */
  readonly stepMs: number;
  /** Whether each suspension is at once replayed from its record. */
  readonly replayCheck: boolean;
}

/** Operations that one advance performs before it lets a commit and other flows in between. */
const maxOperations = 1_000;

/** Bytes of changes after which it does the same. */
const maxBytes = 1024 * 1024;

const noBytes = new Uint8Array();

/** What a flow ends with that was cancelled, or that nobody has told anything for too long. */
const cancelledCode = 'CANCELLED';
const expiredCode = 'WEIR_FLOW_EXPIRED';

export class FlowEngine {
  readonly #host: ShardHost;
  readonly steps: StepRunner;
  readonly life: FlowLifecycle;
  readonly #performer: OperationPerformer;
  readonly #onAdvanced: EngineSetup['onAdvanced'];
  readonly #replayCheck: boolean;

  constructor(setup: EngineSetup) {
    this.#host = setup.host;
    this.#onAdvanced = setup.onAdvanced;
    this.#replayCheck = setup.replayCheck;
    this.steps = new StepRunner(setup.host, setup.stepMs, (flow, index, op, outcome) =>
      this.#stepSettled(flow, index, op, outcome),
    );
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
    if (flow.head.status !== 'RUNNING') return;
    const run = flow.run ?? this.#begin(flow, changes);
    if (run !== undefined) this.#runOn(flow, run, changes);
    this.life.store(flow, changes);
  }

  /** Runs a stage, and those that it becomes, until the flow waits or ends. */
  #runOn(flow: FlowInstance, first: StageRun, changes: ChangeSet): void {
    let performed = 0;
    const driver: StageDriver = {
      perform: (parked) => this.#performer.perform(flow, parked, changes),
      exhausted: () => performed++ >= maxOperations || changes.bytes > maxBytes,
      withdrawn: ({ index }) => {
        flow.steps.get(index)?.controller?.abort(new Error('its branch was cancelled'));
        flow.steps.delete(index);
      },
    };
    for (let run: StageRun | undefined = first; run !== undefined; ) {
      const end = run.run(driver);
      switch (end.type) {
        case 'suspended':
          this.#suspend(flow, run);
          this.#checked(flow, run, end, changes);
          return;
        case 'brokenOff':
          // A long run of satisfied operations goes on behind a commit, so that it cannot starve its neighbours (W5).
          flow.waits = [{ what: 'turn', label: '', due: undefined }];
          changes.after(() => this.#goOn(flow));
          return;
        case 'halted':
          return;
        case 'mistake':
          this.life.stuck(flow, end.error, changes);
          return;
        case 'threw':
          this.#uncaught(flow, run, end.error, changes);
          return;
        case 'cancelled':
          this.#cancelled(flow, changes);
          return;
        case 'returned':
          if (!this.#checked(flow, run, end, changes)) return;
          run = this.#returned(flow, run, end.value, changes);
      }
    }
  }

  /** Whether a restart would bring the flow to the same place; else it is STUCK. */
  #checked(flow: FlowInstance, run: StageRun, end: StageEnd, changes: ChangeSet): boolean {
    const wrong = this.#replayCheck ? replayCheck(flow, run, end) : undefined;
    if (wrong !== undefined) this.life.stuck(flow, wrong, changes);
    return wrong === undefined;
  }

  /** What the flow waits on now, and when the first of it is due. */
  #suspend(flow: FlowInstance, run: StageRun): void {
    const waits: WaitingOn[] = [];
    let due = Number.POSITIVE_INFINITY;
    for (const { wait } of run.parked) {
      if (wait === undefined) continue;
      waits.push(wait);
      if (wait.due !== undefined && wait.due < due) due = wait.due;
    }
    flow.waits = waits;
    due = Math.min(due, this.#expiry(flow, due));
    if (due < Number.POSITIVE_INFINITY) this.life.arm(flow, due);
    else this.life.disarm(flow);
  }

  /** When the flow is given up unless something happens: it waits for somebody, who has not said until when (FE12). */
  #expiry(flow: FlowInstance, due: number): number {
    const idleMs = flow.definition?.idleMs ?? 0;
    const idle = idleMs > 0 && due === Number.POSITIVE_INFINITY && flow.steps.size === 0 && flow.head.cancel === null;
    const expires = idle ? this.#host.clock.now() + idleMs : 0;
    if (flow.head.expires !== expires) {
      flow.head.expires = expires;
      flow.dirty = true;
    }
    return expires === 0 ? Number.POSITIVE_INFINITY : expires;
  }

  /** Goes on where a long advance was broken off. */
  #goOn(flow: FlowInstance): void {
    const changes = new ChangeSet();
    this.advance(flow, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  /** Advances a flow by itself, in a change set of its own. */
  wake(flow: FlowInstance): void {
    const changes = new ChangeSet();
    const { status, expires } = flow.head;
    if (this.life.overdue(flow)) this.kill(flow, "nobody acted before the hospital's deadline", changes);
    else if (status === 'RUNNING' && expires > 0 && expires <= this.#host.clock.now()) {
      const waits = flow.waits.map(({ what, label }) => `${what} ${label}`).join(', ');
      this.cancel(flow, `it waited for ${waits}`, changes, expiredCode);
    } else this.absorb(flow, changes);
    if (!changes.empty) this.#host.add(changes);
  }

  /** Something of a flow has changed from outside: keeps it, and lets the flow go on if it waited for that. */
  absorb(flow: FlowInstance, changes: ChangeSet): void {
    flow.run?.poll();
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
    const index = placeInRequest(request);
    const entry = flow.journal[index];
    if (entry?.op !== 'ask' || entry.state !== 'open' || requestId(flow, index) !== request) return false;
    // Its branch has lost, and nobody waits for it.
    if (flow.run?.isWithdrawn(index) === true) return false;
    const settled: JournalEntry =
      'value' in outcome
        ? { ...entry, state: 'done', value: outcome.value, due: 0 }
        : { ...entry, state: 'failed', fault: outcome.fault, due: 0 };
    record(flow, index, settled, changes);
    flow.run?.settled(index);
    this.advance(flow, changes);
    return true;
  }

  /** Ends a flow from outside. */
  kill(flow: FlowInstance, reason: string, changes: ChangeSet): void {
    flow.abortSteps('the flow was killed');
    flow.head.fault = faultOf(new ApplicationError('KILLED', reason === '' ? 'killed' : `killed: ${reason}`));
    this.life.end(flow, 'KILLED', noBytes, 'error', 'the flow was killed', changes);
    this.life.store(flow, changes);
  }

  /** Lets a flow run its cleanup and end; what it has recorded so far comes first. */
  cancel(flow: FlowInstance, reason: string, changes: ChangeSet, code = cancelledCode): void {
    flow.head.cancel ??= { order: flow.nextOrder(), code, reason: cut(reason) };
    flow.dirty = true;
    flow.run?.cancel();
    this.advance(flow, changes);
  }

  /** Lets a STUCK flow go on; whatever kept it has been corrected. */
  resume(flow: FlowInstance, changes: ChangeSet): void {
    const { head } = flow;
    head.status = 'RUNNING';
    head.retries++;
    head.fault = null;
    head.faultEntry = -1;
    head.faultNext = -1;
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
    const wait = lacksCode(flow.head, flow.definition) ? codeWait(flow.head) : patience(flow);
    if (wait === undefined) {
      this.wake(flow);
      return;
    }
    flow.waits = [wait];
    const { expires } = flow.head;
    const due = wait.due ?? (expires > 0 ? expires : undefined);
    if (due !== undefined) this.life.arm(flow, due);
  }

  // --- running

  #begin(flow: FlowInstance, changes: ChangeSet): StageRun | undefined {
    const choice = codeFor(flow, flow.definition);
    if (choice.type === 'waits') {
      flow.waits = [codeWait(flow.head)];
      return undefined;
    }
    if (choice.type === 'stuck') {
      this.life.stuck(flow, choice.error, changes);
      return undefined;
    }
    const { definition, code } = choice.start;
    try {
      if (choice.type === 'lifted') flow.forgetUnheard();
      if (choice.type === 'lifted' || choice.type === 'replays') this.#lift(flow, choice.start, changes);
      flow.code = definition;
      flow.run = stageRun({ flow, definition, code, logger: loggerOf(this.#host, flow), watched: this.#replayCheck });
    } catch (thrown) {
      // Parameters are taken apart when a generator is made, not when it runs; and the state may be unreadable.
      this.life.stuck(flow, thrown, changes);
      return undefined;
    }
    return flow.run;
  }

  /** The flow is of the newest version from here on. */
  #lift(flow: FlowInstance, { definition, stage, state }: StageStart, changes: ChangeSet): void {
    const { head } = flow;
    checkSize(this.#host, head.flow, 'the state', state.length);
    const { version: from } = head;
    head.version = definition.version;
    head.stage = stage;
    head.state = state;
    this.life.touch(flow);
    this.life.publish(flow, noBytes, changes);
    loggerOf(this.#host, flow).info({ from, to: head.version, stage }, 'the flow goes on with a newer version');
  }

  #returned(flow: FlowInstance, run: StageRun, value: unknown, changes: ChangeSet): StageRun | undefined {
    if (this.#endedTooSoon(flow, run, 'the end of the stage', changes)) return undefined;
    const forgotten = run.duties.forgotten(flow.head.flow, flow.head.stage, value);
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
    const definition = flow.code;
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
      this.life.complete(flow, bytes, changes);
    } catch (error) {
      this.life.stuck(flow, error, changes);
    }
    return undefined;
  }

  #become(flow: FlowInstance, { stage, state }: Become, changes: ChangeSet): StageRun | undefined {
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
    flow.run = undefined;
    return this.#begin(flow, changes);
  }

  /** Whether a stage ended at replay before it had done all that it did the first time; then it is STUCK. */
  #endedTooSoon(flow: FlowInstance, run: StageRun, found: string, changes: ChangeSet): boolean {
    const index = unasked(flow.journal, run);
    if (index === undefined) return false;
    const expected = entryAt(flow.journal, index);
    const error = new WeirError('WEIR_FLOW_DIVERGED', { flow: flow.head.flow, index, found, expected });
    this.life.stuck(flow, error, changes);
    return true;
  }

  #uncaught(flow: FlowInstance, run: StageRun, thrown: unknown, changes: ChangeSet): void {
    if (this.#endedTooSoon(flow, run, `the error "${messageOf(thrown)}"`, changes)) return;
    const at = run.thrownAt(thrown);
    flow.head.faultEntry = at?.entry ?? -1;
    flow.head.faultNext = at?.next ?? -1;
    if (verdictOn(thrown) === 'FAILED') this.life.fail(flow, faultOf(thrown), changes);
    else this.life.stuck(flow, thrown, changes);
  }

  /** Its cleanup has run to the end. */
  #cancelled(flow: FlowInstance, changes: ChangeSet): void {
    const { code = cancelledCode, reason = '' } = flow.head.cancel ?? {};
    if (code === expiredCode) {
      const fault = platformFault(expiredCode, { flow: flow.head.flow, why: reason });
      this.life.fail(flow, fault, changes);
      return;
    }
    const why = reason === '' ? 'the flow was cancelled' : `the flow was cancelled: ${reason}`;
    flow.head.fault = faultOf(new ApplicationError(code, why));
    this.life.end(flow, 'KILLED', noBytes, 'error', why, changes);
  }

  #stepSettled(flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome): void {
    flow.steps.delete(index);
    const changes = new ChangeSet();
    const before = flow.journal[index];
    const attempts = (before?.attempts ?? 0) + 1;
    const { until, branch, failures } = before ?? { until: 0, branch: false, failures: [] };
    const blank = {
      op: op.op,
      label: op.label,
      value: noBytes,
      fault: null,
      due: 0,
      attempts,
      until,
      order: 0,
      branch,
      failures,
    };
    switch (outcome.type) {
      case 'done':
        record(flow, index, { ...blank, state: 'done', value: outcome.value, failures: [] }, changes);
        break;
      case 'failed':
        record(flow, index, { ...blank, state: 'failed', fault: outcome.fault }, changes);
        break;
      case 'transient': {
        const policy = op.retry;
        const due = this.#host.clock.now() + backoffMs(policy, attempts, this.#host.random.next());
        const failed = failureOf(outcome.error, this.#host.clock.now());
        record(flow, index, { ...blank, state: 'open', due, failures: withFailure(failures, failed) }, changes);
        if (attempts >= policy.attempts) {
          const context = { step: op.label, attempts, why: outcome.error.message };
          flow.head.faultEntry = index;
          this.life.stuck(flow, new WeirError('WEIR_STEP_EXHAUSTED', context, outcome.error), changes);
        }
      }
    }
    if (outcome.type === 'transient') this.absorb(flow, changes);
    else {
      flow.run?.settled(index);
      this.advance(flow, changes);
    }
    this.life.store(flow, changes);
    this.#host.add(changes);
  }
}

function codeWait(head: FlowInstance['head']): WaitingOn {
  return { what: 'code', label: codeWanted(head), due: undefined };
}

/** What an operation that is open in the journal waits on. */
const patient: Readonly<Record<string, WaitingOn['what']>> = { sleep: 'sleep', ask: 'answer', signal: 'signal' };

/** What a restored flow waits on that need not run now; undefined when it has to, to go on or to find out. */
function patience({ journal, unread, head }: FlowInstance): WaitingOn | undefined {
  const last = journal.at(-1);
  if (last?.state !== 'open' || last.op === 'step' || unread.length > 0 || head.cancel !== null) return undefined;
  // Branches wait on several things, and which of them still count only the code knows.
  if (journal.some((entry) => entry?.branch === true && entry.state === 'open')) return undefined;
  if (last.op === 'receive' && head.sessions.some(({ peer }) => peer !== 'open')) return undefined;
  const session = last.op === 'receive' ? head.sessions.find(({ id }) => id === last.label) : undefined;
  return {
    what: patient[last.op] ?? 'message',
    label: session === undefined ? last.label : talkWith(session),
    due: last.due === 0 ? undefined : last.due,
  };
}

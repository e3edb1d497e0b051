/**
 * The flow engine: advances a flow from an input to its next suspension, as one change set. Waking a flow is always
 * "perform its current operation again"; the performer says whether it may go on.
 */
import { WeirError } from '../../errors/index.ts';
import { type FaultRecord, type JournalEntry, withFailure } from '../../persistence/index.ts';
import type { Containment } from '../../ports/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowActs } from './acts.ts';
import { CrashGuard } from './crash-guard.ts';
import { ApplicationError, failureOf, faultOf } from './faults.ts';
import { cancelledCode, expiredCode, FlowRunner } from './flow-runner.ts';
import { placeInRequest } from './ids.ts';
import type { FlowInstance } from './instance.ts';
import { record } from './journal.ts';
import { FlowLifecycle } from './lifecycle.ts';
import { cut } from './limits.ts';
import { OperationPerformer, requestId } from './performer.ts';
import type { Registry } from './registry.ts';
import type { FlowSessions } from './sessions.ts';
import { backoffMs } from './step.ts';
import { type StepOp, type StepOutcome, StepRunner } from './step-runner.ts';
import { lacksCode } from './versions.ts';
import { codeWait, patience } from './waiting.ts';
import type { WorkerGuard } from './worker-guard.ts';

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
  readonly workerGuard: WorkerGuard;
  /** How many ends of its worker a flow must have been alone at, to be STUCK as their cause. */
  readonly deathsAlone: number;
  /** Longest time of one attempt of a step, unless it says otherwise, in milliseconds. */
  readonly stepMs: number;
  /** Whether each suspension is at once replayed from its record. */
  readonly replayCheck: boolean;
  /** Stops code of flows that keeps the processor. Absent: it may. */
  readonly containment: Containment | undefined;
}

const noBytes = new Uint8Array();

export class FlowEngine {
  readonly #host: ShardHost;
  readonly steps: StepRunner;
  readonly guard: CrashGuard;
  readonly life: FlowLifecycle;
  readonly #runner: FlowRunner;
  readonly #onAdvanced: EngineSetup['onAdvanced'];

  constructor(setup: EngineSetup) {
    this.#host = setup.host;
    this.#onAdvanced = setup.onAdvanced;
    this.guard = new CrashGuard({
      host: setup.host,
      worker: setup.workerGuard,
      deathsAlone: setup.deathsAlone,
      store: (flow, changes) => this.life.store(flow, changes),
      goOn: (flow) => this.#goOn(flow),
    });
    const { containment } = setup;
    const containmentOf = ({ head }: FlowInstance): Containment | undefined =>
      containment?.of === 'all' || head.mark !== null ? containment : undefined;
    this.steps = new StepRunner({
      ...{ host: setup.host, stepMs: setup.stepMs, guard: this.guard, containmentOf },
      settled: (flow, index, op, outcome) => this.#stepSettled(flow, index, op, outcome),
    });
    this.life = new FlowLifecycle({
      ...setup,
      wake: (flow) => this.wake(flow),
      halted: (flow, changes) => this.guard.survived(flow, changes),
    });
    const { host, replayCheck } = setup;
    const { life, steps } = this;
    const performer = new OperationPerformer({ ...setup, life, steps });
    this.#runner = new FlowRunner({
      ...{ host, life, performer, replayCheck, containmentOf },
      goOn: (flow) => this.#goOn(flow),
    });
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
    if (this.guard.admits(flow)) {
      this.#runner.run(flow, changes);
      if (!flow.waitsOn('step') && !flow.waitsOn('turn')) this.guard.survived(flow, changes);
    } else if (flow.run === undefined) flow.waits = [{ what: 'turn', label: '', due: undefined }];
    this.life.store(flow, changes);
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
    if (head.fault?.code === 'WEIR_FLOW_CRASHED') this.guard.suspect(flow);
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

  /** Starts nothing new; resolves when nothing of it runs any more. */
  drain(): Promise<void> {
    this.guard.drain();
    return this.steps.drain();
  }

  /** The shard's incarnation is over. */
  end(): void {
    this.steps.abandon();
    this.guard.end();
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

  #stepSettled(flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome): void {
    flow.steps.delete(index);
    const changes = new ChangeSet();
    const before = flow.journal[index];
    const attempts = (before?.attempts ?? 0) + 1;
    const { until, branch, failures } = before ?? { until: 0, branch: false, failures: [] };
    const { op: kind, label } = op;
    switch (outcome.type) {
      case 'done':
      case 'failed': {
        const done = outcome.type === 'done';
        const entry: JournalEntry = {
          op: kind,
          label,
          state: outcome.type,
          value: done ? outcome.value : noBytes,
          fault: done ? null : outcome.fault,
          due: 0,
          attempts,
          until,
          order: flow.nextOrder(),
          branch,
          failures: done ? [] : failures,
        };
        record(flow, index, entry, changes);
        break;
      }
      case 'transient': {
        const policy = op.retry;
        const due = this.#host.clock.now() + backoffMs(policy, attempts, this.#host.random.next());
        const failed = failureOf(outcome.error, this.#host.clock.now());
        const waiting = { op: kind, label, state: 'open', value: noBytes, fault: null, due, attempts } as const;
        const tried = withFailure(failures, failed);
        record(flow, index, { ...waiting, until, order: 0, branch, failures: tried }, changes);
        if (WeirError.is(outcome.error, 'WEIR_CODE_RUNAWAY')) {
          flow.head.faultEntry = index;
          this.life.stuck(flow, outcome.error, changes);
        } else if (attempts >= policy.attempts) {
          const context = { step: op.label, attempts, why: outcome.error.message };
          flow.head.faultEntry = index;
          this.life.stuck(flow, new WeirError('WEIR_STEP_EXHAUSTED', context, outcome.error), changes);
        }
      }
    }
    if (outcome.type === 'transient') this.absorb(flow, changes);
    else {
      flow.run?.settled(index);
      this.guard.progressed(flow);
      this.advance(flow, changes);
    }
    this.life.store(flow, changes);
    this.#host.add(changes);
  }
}

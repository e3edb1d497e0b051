/**
 * Runs a flow from where it is until it waits, ends or is STUCK: begins its stage on the code that there is for it, goes on
 * into the stages that it becomes, and judges how each of them ends.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import { encodeValue } from '../../persistence/index.ts';
import type { Containment } from '../../ports/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import { stageRun } from './begin.ts';
import type { Parked } from './branch.ts';
import { issuesOf } from './context.ts';
import { type StageStart, unasked } from './dry-run.ts';
import { entryAt, type Resume } from './entries.ts';
import { ApplicationError, faultOf, platformFault, verdictOn } from './faults.ts';
import type { FlowInstance } from './instance.ts';
import { dropJournal } from './journal.ts';
import { type FlowLifecycle, loggerOf } from './lifecycle.ts';
import { checkSize } from './limits.ts';
import { type Become, isBecome, isFailed } from './outcome.ts';
import type { OperationPerformer } from './performer.ts';
import type { WaitingOn } from './protocol.ts';
import { replayCheck } from './replay-check.ts';
import { nameOf, type StageDriver, type StageEnd, type StageRun } from './stage-run.ts';
import { codeFor } from './versions.ts';
import { codeWait } from './waiting.ts';

export interface RunnerSetup {
  readonly host: ShardHost;
  readonly life: FlowLifecycle;
  readonly performer: OperationPerformer;
  /** Whether each suspension is at once replayed from its record. */
  readonly replayCheck: boolean;
  /** What stops the flow's code when that keeps the processor. */
  readonly containmentOf: (flow: FlowInstance) => Containment | undefined;
  /** Lets a flow go on that was broken off. */
  readonly goOn: (flow: FlowInstance) => void;
}

/** Operations that one advance performs before it lets a commit and other flows in between. */
const maxOperations = 1_000;

/** Bytes of changes after which it does the same. */
const maxBytes = 1024 * 1024;

const noBytes = new Uint8Array();

/** What a flow ends with that was cancelled, or that nobody has told anything for too long. */
export const cancelledCode = 'CANCELLED';
export const expiredCode = 'WEIR_FLOW_EXPIRED';

/** One advance of a flow, as its stages see it. */
class Advance implements StageDriver {
  readonly #performer: OperationPerformer;
  readonly #flow: FlowInstance;
  readonly #changes: ChangeSet;
  readonly containment: Containment | undefined;
  #performed = 0;

  constructor({ performer, containmentOf }: RunnerSetup, flow: FlowInstance, changes: ChangeSet) {
    this.#performer = performer;
    this.containment = containmentOf(flow);
    this.#flow = flow;
    this.#changes = changes;
  }

  perform(parked: Parked): Resume | undefined {
    return this.#performer.perform(this.#flow, parked, this.#changes);
  }

  exhausted(): boolean {
    return this.#performed++ >= maxOperations || this.#changes.bytes > maxBytes;
  }

  withdrawn({ index }: Parked): void {
    const { steps } = this.#flow;
    steps.get(index)?.controller?.abort(new Error('its branch was cancelled'));
    steps.delete(index);
  }
}

export class FlowRunner {
  readonly #setup: RunnerSetup;
  readonly #host: ShardHost;
  readonly #life: FlowLifecycle;

  constructor(setup: RunnerSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.#life = setup.life;
  }

  /** Runs a flow on as far as it gets. */
  run(flow: FlowInstance, changes: ChangeSet): void {
    if (flow.run === undefined && flow.journal.length > 0) this.#replay(flow, changes);
    else this.#runOn(flow, flow.run ?? this.#begin(flow, changes), changes);
  }

  /** A flow that has rested, or that another owner has run: its journal brings it to where it was. */
  #replay(flow: FlowInstance, changes: ChangeSet): void {
    const { clock, meter } = this.#host;
    const from = clock.monotonic();
    this.#runOn(flow, this.#begin(flow, changes), changes);
    meter.time('replay', clock.monotonic() - from);
  }

  /** Runs a stage, and those that it becomes, until the flow waits or ends. */
  #runOn(flow: FlowInstance, first: StageRun | undefined, changes: ChangeSet): void {
    const driver = new Advance(this.#setup, flow, changes);
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
          changes.after(() => this.#setup.goOn(flow));
          return;
        case 'halted':
          return;
        case 'mistake':
          this.#life.stuck(flow, end.error, changes);
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
    const wrong = this.#setup.replayCheck ? replayCheck(flow, run, end) : undefined;
    if (wrong !== undefined) this.#life.stuck(flow, wrong, changes);
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
    if (due < Number.POSITIVE_INFINITY) this.#life.arm(flow, due);
    else this.#life.disarm(flow);
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

  #begin(flow: FlowInstance, changes: ChangeSet): StageRun | undefined {
    const choice = codeFor(flow, flow.definition);
    if (choice.type === 'waits') {
      flow.waits = [codeWait(flow.head)];
      return undefined;
    }
    if (choice.type === 'stuck') {
      this.#life.stuck(flow, choice.error, changes);
      return undefined;
    }
    const { definition, code } = choice.start;
    try {
      if (choice.type === 'lifted') flow.forgetUnheard();
      if (choice.type === 'lifted' || choice.type === 'replays') this.#lift(flow, choice.start, changes);
      flow.code = definition;
      flow.run = stageRun({
        flow,
        definition,
        code,
        logger: () => loggerOf(this.#host, flow),
        watched: this.#setup.replayCheck,
      });
    } catch (thrown) {
      // Parameters are taken apart when a generator is made, not when it runs; and the state may be unreadable.
      this.#life.stuck(flow, thrown, changes);
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
    this.#life.touch(flow);
    this.#life.publish(flow, noBytes, changes, 'lazily');
    loggerOf(this.#host, flow).info({ from, to: head.version, stage }, 'the flow goes on with a newer version');
  }

  #returned(flow: FlowInstance, run: StageRun, value: unknown, changes: ChangeSet): StageRun | undefined {
    if (this.#endedTooSoon(flow, run, 'the end of the stage', changes)) return undefined;
    const forgotten = run.duties.forgotten(flow.head.flow, flow.head.stage, value);
    if (forgotten !== undefined) {
      this.#life.stuck(flow, forgotten, changes);
      return undefined;
    }
    if (isBecome(value)) return this.#become(flow, value, changes);
    if (isFailed(value)) {
      const { code, details } = value;
      this.#life.fail(flow, faultOf(new ApplicationError(code, `the flow ended with "${code}"`, details)), changes);
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
      this.#life.complete(flow, bytes, changes);
    } catch (error) {
      this.#life.stuck(flow, error, changes);
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
      this.#life.stuck(flow, error, changes);
      return undefined;
    }
    dropJournal(flow, changes);
    head.stage = stage;
    head.visit++;
    head.state = bytes;
    this.#life.touch(flow);
    this.#life.publish(flow, noBytes, changes, 'lazily');
    flow.run = undefined;
    return this.#begin(flow, changes);
  }

  /** Whether a stage ended at replay before it had done all that it did the first time; then it is STUCK. */
  #endedTooSoon(flow: FlowInstance, run: StageRun, found: string, changes: ChangeSet): boolean {
    const index = unasked(flow.journal, run);
    if (index === undefined) return false;
    const expected = entryAt(flow.journal, index);
    const error = new WeirError('WEIR_FLOW_DIVERGED', { flow: flow.head.flow, index, found, expected });
    this.#life.stuck(flow, error, changes);
    return true;
  }

  #uncaught(flow: FlowInstance, run: StageRun, thrown: unknown, changes: ChangeSet): void {
    if (this.#endedTooSoon(flow, run, `the error "${messageOf(thrown)}"`, changes)) return;
    const at = run.thrownAt(thrown);
    flow.head.faultEntry = at?.entry ?? -1;
    flow.head.faultNext = at?.next ?? -1;
    if (verdictOn(thrown) === 'FAILED') this.#life.fail(flow, faultOf(thrown), changes);
    else this.#life.stuck(flow, thrown, changes);
  }

  /** Its cleanup has run to the end. */
  #cancelled(flow: FlowInstance, changes: ChangeSet): void {
    const { code = cancelledCode, reason = '' } = flow.head.cancel ?? {};
    if (code === expiredCode) {
      const fault = platformFault(expiredCode, { flow: flow.head.flow, why: reason });
      this.#life.fail(flow, fault, changes);
      return;
    }
    const why = reason === '' ? 'the flow was cancelled' : `the flow was cancelled: ${reason}`;
    flow.head.fault = faultOf(new ApplicationError(code, why));
    this.#life.end(flow, 'KILLED', noBytes, 'error', why, changes);
  }
}

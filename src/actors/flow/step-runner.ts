/**
 * Runs the bodies of steps, outside the shard's turns and after the commit that caused them (W3). A result comes back
 * as a turn; one that belongs to an incarnation of the flow which has ended is dropped.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import { encodeValue, type FaultRecord } from '../../persistence/index.ts';
import type { Containment } from '../../ports/index.ts';
import type { Alarm, ShardHost } from '../shard/index.ts';
import type { CrashGuard } from './crash-guard.ts';
import { faultOf, isTransient, platformFault } from './faults.ts';
import { operationId } from './ids.ts';
import type { FlowInstance, StepRun } from './instance.ts';
import { checkSize } from './limits.ts';
import type { Op } from './operation.ts';
import type { StepInfo } from './step.ts';

export type StepOp = Extract<Op, { op: 'step' }>;

export type StepOutcome =
  | { readonly type: 'done'; readonly value: Uint8Array }
  | { readonly type: 'transient'; readonly error: Error }
  | { readonly type: 'failed'; readonly fault: FaultRecord };

type Settled = (flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome) => void;

/** A body that is under way. */
interface Body {
  readonly flow: FlowInstance;
  readonly index: number;
  readonly op: StepOp;
  readonly run: StepRun;
  readonly began: number;
  /** The same by the clock that only goes on. */
  readonly from: number;
  /** When it is given up, in milliseconds since 1970. */
  due: number;
}

export interface StepRunnerSetup {
  readonly host: ShardHost;
  /** Longest time of one attempt, unless its step says otherwise, in milliseconds. */
  readonly stepMs: number;
  readonly guard: CrashGuard;
  /** What stops the flow's code when that keeps the processor. */
  readonly containmentOf: (flow: FlowInstance) => Containment | undefined;
  readonly settled: Settled;
}

export class StepRunner {
  readonly #host: ShardHost;
  readonly #settled: Settled;
  readonly #stepMs: number;
  readonly #guard: CrashGuard;
  readonly #containmentOf: StepRunnerSetup['containmentOf'];
  /** Bodies that somebody waits for, in the order in which they began. */
  readonly #running = new Set<Body>();
  /** Rings when the first of them may be over its time: one for all, since nearly all end long before theirs. */
  #limit: Alarm | undefined;
  #draining = false;
  #idle: (() => void) | undefined;
  lateResults = 0;

  constructor({ host, stepMs, guard, containmentOf, settled }: StepRunnerSetup) {
    this.#host = host;
    this.#containmentOf = containmentOf;
    this.#stepMs = stepMs;
    this.#guard = guard;
    this.#settled = settled;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Starts a body; called after a commit. */
  start(flow: FlowInstance, index: number, op: StepOp, run: StepRun): void {
    if (this.#guard.holds(flow)) {
      this.#guard.holdBody(() => this.start(flow, index, op, run));
      return;
    }
    // While the shard drains nothing new starts: the checkpoint says where the next owner goes on.
    if (this.#draining || flow.steps.get(index) !== run) return;
    const { clock } = this.#host;
    const due = Number.POSITIVE_INFINITY;
    const body: Body = { flow, index, op, run, began: clock.now(), from: clock.monotonic(), due };
    this.#running.add(body);
    this.#guard.bodyStarted();
    let result: unknown;
    try {
      const attempt = new Attempt(operationId(flow.id, flow.head.visit, index), run);
      const containment = this.#containmentOf(flow);
      result = containment === undefined ? op.body(attempt) : containment.run(() => op.body(attempt));
    } catch (thrown) {
      this.#threw(body, thrown);
      return;
    }
    if (result instanceof Promise || isThenable(result)) {
      result.then(
        (value: unknown) => this.#returned(body, value),
        (thrown: unknown) => this.#threw(body, thrown),
      );
      const ends = body.began + (op.timeoutMs ?? this.#stepMs);
      body.due = run.until > 0 ? Math.min(run.until, ends) : ends;
      this.#arm(body.due);
    } else {
      this.#returned(body, result);
    }
  }

  #returned(body: Body, value: unknown): void {
    this.#settle(body, () => success(value, body.flow, body.op, this.#host));
  }

  #threw(body: Body, thrown: unknown): void {
    this.#settle(body, () => failure(thrown));
  }

  #settle(body: Body, outcome: () => StepOutcome): void {
    this.#timed(body);
    this.#ended(body);
    this.#host.turn(() => {
      const { flow, index, op, run } = body;
      // Its time was over, its flow has ended or is STUCK, or its branch was cancelled.
      if (flow.steps.get(index) !== run) this.lateResults++;
      else this.#settled(flow, index, op, outcome());
    });
  }

  /** Starts nothing any more; resolves when no body is under way that somebody waits for. */
  drain(): Promise<void> {
    this.#draining = true;
    for (const body of this.#running) if (body.flow.steps.get(body.index) !== body.run) this.#ended(body);
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  #arm(due: number): void {
    if (this.#limit !== undefined) {
      if (this.#limit.due <= due) return;
      this.#host.timers.cancel(this.#limit);
    }
    this.#limit = this.#host.timers.at(due, () => this.#sweep());
  }

  /** Gives up the attempts whose time is over, and looks when the next one's is. */
  #sweep(): void {
    this.#limit = undefined;
    const now = this.#host.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const body of [...this.#running]) {
      if (body.due <= now) this.#giveUp(body);
      else next = Math.min(next, body.due);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }

  /** The time of an attempt is over (FE10): its signal is aborted, and what it still gives is dropped. */
  #giveUp(body: Body): void {
    const { flow, index, op, run, began, due } = body;
    this.#timed(body);
    this.#ended(body);
    if (flow.steps.get(index) !== run) return;
    const late = run.until > 0 && due === run.until;
    const error = late
      ? new WeirError('WEIR_STEP_DEADLINE', { step: op.label })
      : new WeirError('WEIR_STEP_TIMEOUT', { step: op.label, ms: due - began, attempt: run.attempt });
    run.controller?.abort(error);
    const fault = platformFault('WEIR_STEP_DEADLINE', { step: op.label });
    this.#settled(flow, index, op, late ? { type: 'failed', fault } : { type: 'transient', error });
  }

  /** The shard's incarnation is over: nobody waits for a body any more. */
  abandon(): void {
    for (const body of this.#running) this.#ended(body);
  }

  #timed({ from }: Body): void {
    const { clock, meter } = this.#host;
    meter.time('step', clock.monotonic() - from);
  }

  #ended(body: Body): void {
    if (this.#running.delete(body)) this.#guard.bodyEnded();
    if (this.#running.size === 0) this.#idle?.();
  }
}

/** What a body is given; its signal is made when it asks for it. */
class Attempt implements StepInfo {
  readonly id: string;
  readonly attempt: number;
  readonly #run: StepRun;

  constructor(id: string, run: StepRun) {
    this.id = id;
    this.attempt = run.attempt;
    this.#run = run;
  }

  get signal(): AbortSignal {
    this.#run.controller ??= new AbortController();
    return this.#run.controller.signal;
  }
}

function success(value: unknown, flow: FlowInstance, op: StepOp, host: ShardHost): StepOutcome {
  try {
    const bytes = encodeValue(value, `the result of step "${op.label}"`);
    checkSize(host, flow.head.flow, `the result of step "${op.label}"`, bytes.length);
    return { type: 'done', value: bytes };
  } catch (error) {
    return { type: 'failed', fault: faultOf(error) };
  }
}

function failure(thrown: unknown): StepOutcome {
  // Its flow cannot catch it: what was stopped in the middle would be stopped again.
  return isTransient(thrown) || WeirError.is(thrown, 'WEIR_CODE_RUNAWAY')
    ? { type: 'transient', error: ensureError(thrown) }
    : { type: 'failed', fault: faultOf(thrown) };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Runs the bodies of steps, outside the shard's turns and after the commit that caused them (W3). A result comes back
 * as a turn; one that belongs to an incarnation of the flow which has ended is dropped.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import { encodeValue, type FaultRecord } from '../../persistence/index.ts';
import type { Alarm, ShardHost } from '../shard/index.ts';
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

export class StepRunner {
  readonly #host: ShardHost;
  readonly #settled: Settled;
  readonly #stepMs: number;
  /** Bodies that somebody waits for. */
  readonly #running = new Map<StepRun, { readonly flow: FlowInstance; readonly index: number }>();
  #draining = false;
  #idle: (() => void) | undefined;
  lateResults = 0;

  /** @param stepMs longest time of one attempt, unless its step says otherwise, in milliseconds */
  constructor(host: ShardHost, stepMs: number, settled: Settled) {
    this.#host = host;
    this.#stepMs = stepMs;
    this.#settled = settled;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Starts a body; called after a commit. */
  start(flow: FlowInstance, index: number, op: StepOp, run: StepRun): void {
    // While the shard drains nothing new starts: the checkpoint says where the next owner goes on.
    if (this.#draining || flow.steps.get(index) !== run) return;
    this.#running.set(run, { flow, index });
    let limit: Alarm | undefined;
    const settle = (outcome: () => StepOutcome): void => {
      if (limit !== undefined) this.#host.timers.cancel(limit);
      this.#ended(run);
      this.#host.turn(() => {
        // Its time was over, its flow has ended or is STUCK, or its branch was cancelled.
        if (flow.steps.get(index) !== run) this.lateResults++;
        else this.#settled(flow, index, op, outcome());
      });
    };
    let result: unknown;
    try {
      result = op.body(stepInfo(operationId(flow.id, flow.head.visit, index), run));
    } catch (thrown) {
      settle(() => failure(thrown));
      return;
    }
    if (result instanceof Promise || isThenable(result)) {
      result.then(
        (value: unknown) => settle(() => success(value, flow, op, this.#host)),
        (thrown: unknown) => settle(() => failure(thrown)),
      );
      limit = this.#limit(flow, index, op, run);
    } else {
      settle(() => success(result, flow, op, this.#host));
    }
  }

  /** Starts nothing any more; resolves when no body is under way that somebody waits for. */
  drain(): Promise<void> {
    this.#draining = true;
    for (const [run, { flow, index }] of this.#running) if (flow.steps.get(index) !== run) this.#running.delete(run);
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Gives an attempt up when its time is over (FE10): its signal is aborted, and what it still gives is dropped. */
  #limit(flow: FlowInstance, index: number, op: StepOp, run: StepRun): Alarm {
    const began = this.#host.clock.now();
    const ends = began + (op.timeoutMs ?? this.#stepMs);
    const due = run.until > 0 ? Math.min(run.until, ends) : ends;
    return this.#host.timers.at(due, () => {
      if (flow.steps.get(index) !== run) return;
      const late = run.until > 0 && due === run.until;
      const error = late
        ? new WeirError('WEIR_STEP_DEADLINE', { step: op.label })
        : new WeirError('WEIR_STEP_TIMEOUT', { step: op.label, ms: due - began, attempt: run.attempt });
      run.controller?.abort(error);
      this.#ended(run);
      this.#settled(
        flow,
        index,
        op,
        late
          ? { type: 'failed', fault: platformFault('WEIR_STEP_DEADLINE', { step: op.label }) }
          : { type: 'transient', error },
      );
    });
  }

  #ended(run: StepRun): void {
    this.#running.delete(run);
    if (this.#running.size === 0) this.#idle?.();
  }
}

function stepInfo(id: string, run: StepRun): StepInfo {
  return {
    id,
    attempt: run.attempt,
    get signal(): AbortSignal {
      run.controller ??= new AbortController();
      return run.controller.signal;
    },
  };
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
  return isTransient(thrown)
    ? { type: 'transient', error: ensureError(thrown) }
    : { type: 'failed', fault: faultOf(thrown) };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

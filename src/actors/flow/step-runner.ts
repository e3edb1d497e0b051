/**
 * Runs the bodies of steps, outside the shard's turns and after the commit that caused them (W3). A result comes back
 * as a turn; one that belongs to an incarnation of the flow which has ended is dropped.
 */
import { ensureError } from '../../errors/index.ts';
import { encodeValue, type FaultRecord } from '../../persistence/index.ts';
import type { ShardHost } from '../shard/index.ts';
import { faultOf, isTransient } from './faults.ts';
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

export class StepRunner {
  readonly #host: ShardHost;
  readonly #settled: (flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome) => void;
  #running = 0;
  #draining = false;
  #idle: (() => void) | undefined;
  lateResults = 0;

  constructor(host: ShardHost, settled: (flow: FlowInstance, index: number, op: StepOp, outcome: StepOutcome) => void) {
    this.#host = host;
    this.#settled = settled;
  }

  get running(): number {
    return this.#running;
  }

  /** Starts a body; called after a commit. */
  start(flow: FlowInstance, index: number, op: StepOp, run: StepRun): void {
    // While the shard drains nothing new starts: the checkpoint says where the next owner goes on.
    if (this.#draining || flow.steps.get(index) !== run) return;
    this.#running++;
    const settle = (outcome: () => StepOutcome): void => {
      this.#running--;
      this.#host.turn(() => {
        // Its flow has ended or is STUCK, or its branch was cancelled.
        if (flow.steps.get(index) !== run) this.lateResults++;
        else this.#settled(flow, index, op, outcome());
      });
      if (this.#running === 0) this.#idle?.();
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
    } else {
      settle(() => success(result, flow, op, this.#host));
    }
  }

  /** Starts nothing any more; resolves when no body is under way. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
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

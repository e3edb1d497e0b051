/**
 * What flow code has begun and must not forget: an operation that was made has to be run with `yield*`, a `become` or
 * `failed` has to be returned. Both are silent mistakes otherwise: nothing happens, and the flow completes.
 */
import { type ErrorCode, WeirError } from '../../errors/index.ts';
import { Few } from './few.ts';
import type { Operation } from './operation.ts';
import type { Become, Failed } from './outcome.ts';

/** Operations that something else was given to the engine for. */
const operations = new WeakMap<object, object>();

/** `wrapper` is run in place of `operation`. */
export function standsFor(wrapper: object, operation: object): void {
  operations.set(wrapper, operation);
}

export class Duties {
  /** Whether it is kept where operations were made; that costs about as much as a step. */
  readonly watched: boolean;
  readonly #unrun = new Few<object, string>();
  #outcome: Become | Failed | undefined;
  /** Where the operation that was begun last was made: an error, for its stack. */
  site: Error | undefined;

  constructor(watched: boolean) {
    this.watched = watched;
  }

  /** An operation that knows whether it has been run. */
  made<T>(label: string, run: () => Operation<T>): Operation<T> {
    const site = this.watched ? new Error(label) : undefined;
    const onBegin = (): void => {
      this.#unrun.delete(operation);
      this.site = site;
    };
    const operation: Operation<T> = begun(onBegin, run);
    this.#unrun.set(operation, label);
    return operation;
  }

  /** An operation that need not be run any more: its branch was cancelled before it began. */
  discharge(operation: object): void {
    this.#unrun.delete(operations.get(operation) ?? operation);
  }

  outcome<T extends Become | Failed>(outcome: T): T {
    this.#outcome = outcome;
    return outcome;
  }

  /** What was forgotten when a stage returned `value`; undefined when nothing was. */
  forgotten(flow: string, stage: string, value: unknown): WeirError | undefined {
    const [duty] = this.#unrun.values();
    const fail = (code: ErrorCode, what: string): WeirError => new WeirError(code, { flow, stage, what });
    if (duty !== undefined) return fail('WEIR_FLOW_OPERATION_FORGOTTEN', duty);
    if (this.#outcome === undefined || this.#outcome === value) return undefined;
    return fail(
      'WEIR_FLOW_OUTCOME_FORGOTTEN',
      'stage' in this.#outcome ? `become('${this.#outcome.stage}')` : 'failed()',
    );
  }
}

function* begun<T>(onBegin: () => void, run: () => Operation<T>): Operation<T> {
  onBegin();
  return yield* run();
}

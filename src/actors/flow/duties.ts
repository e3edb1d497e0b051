/**
 * What flow code has begun and must not forget: an operation that was made has to be run with `yield*`, a `become` or
 * `failed` has to be returned. Both are silent mistakes otherwise: nothing happens, and the flow completes.
 */
import { type ErrorCode, WeirError } from '../../errors/index.ts';
import type { Operation } from './operation.ts';
import type { Become, Failed } from './outcome.ts';

export class Duties {
  readonly #unrun = new Set<{ readonly label: string }>();
  #outcome: Become | Failed | undefined;

  /** An operation that knows whether it has been run. */
  made<T>(label: string, run: () => Operation<T>): Operation<T> {
    const duty = { label };
    const unrun = this.#unrun;
    unrun.add(duty);
    return (function* () {
      unrun.delete(duty);
      return yield* run();
    })();
  }

  outcome<T extends Become | Failed>(outcome: T): T {
    this.#outcome = outcome;
    return outcome;
  }

  /** What was forgotten when a stage returned `value`; undefined when nothing was. */
  forgotten(flow: string, stage: string, value: unknown): WeirError | undefined {
    const [duty] = this.#unrun;
    const fail = (code: ErrorCode, what: string): WeirError => new WeirError(code, { flow, stage, what });
    if (duty !== undefined) return fail('WEIR_FLOW_OPERATION_FORGOTTEN', duty.label);
    if (this.#outcome === undefined || this.#outcome === value) return undefined;
    return fail(
      'WEIR_FLOW_OUTCOME_FORGOTTEN',
      'stage' in this.#outcome ? `become('${this.#outcome.stage}')` : 'failed()',
    );
  }
}

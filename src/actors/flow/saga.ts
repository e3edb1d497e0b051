/** Sagas: what was done is undone in reverse when a later part fails. */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { BaseContext } from './base-context.ts';
import type { Duties } from './duties.ts';
import type { Operation } from './operation.ts';
import type { StepBody, StepOptions } from './step.ts';

/** Remembers how to undo what has just been done; it runs as a step, with this name, if the saga fails. */
export type Compensate = (name: string, body: StepBody<unknown>, options?: StepOptions) => void;

/** The part of a flow's context that compensates. */
export interface SagaContext {
  /**
   * Runs `body`. When it throws, or the flow is cancelled in it, the compensations that it has registered run as steps,
   * the newest first; then the error goes on. A compensation that fails stops there, and the flow is STUCK
   * (`WEIR_COMPENSATION_FAILED`): an operator's retry goes on with it.
   *
   * Register before the step what can be undone by a name that is known before it: a step that is cancelled in its branch,
   * or out of attempts, may have done its work all the same. What is undone must bear that it was never done.
   *
   *     yield* saga(function* (compensate) {
   *       const booking = uuid();
   *       compensate('free seat', () => freeSeat(booking));
   *       yield* step('book seat', () => bookSeat(booking));
   *       yield* step('book hotel', bookHotel);
   *     });
   */
  saga<T>(body: (compensate: Compensate) => Operation<T>): Operation<T>;
}

export function sagas(step: BaseContext['step'], duties: Duties): SagaContext {
  return {
    saga: <T>(body: (compensate: Compensate) => Operation<T>): Operation<T> =>
      duties.made('saga', () => compensating(body, step)),
  };
}

// No closure, for the reason that `context.ts` gives.
function* compensating<T>(body: (compensate: Compensate) => Operation<T>, step: BaseContext['step']): Operation<T> {
  const undo: Array<Parameters<Compensate>> = [];
  let done = false;
  try {
    const result = yield* body((...compensation) => {
      undo.push(compensation);
    });
    done = true;
    return result;
  } finally {
    if (!done) yield* compensated(step, undo.reverse());
  }
}

function* compensated(step: BaseContext['step'], undo: ReadonlyArray<Parameters<Compensate>>): Operation<void> {
  for (const [name, body, options] of undo) {
    try {
      yield* step(name, body, options);
    } catch (error) {
      throw new WeirError('WEIR_COMPENSATION_FAILED', { step: name, why: messageOf(error) }, error);
    }
  }
}

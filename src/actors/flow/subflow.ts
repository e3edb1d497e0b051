/** Subflows: a part of a flow with sessions of its own, which end with it (FE14). */
import { messageOf } from '../../errors/index.ts';
import type { BaseContext } from './base-context.ts';
import type { BranchContext } from './branching.ts';
import type { ConversationContext } from './conversations.ts';
import type { Duties } from './duties.ts';
import { type Operation, perform } from './operation.ts';
import type { SagaContext } from './saga.ts';

/** What a subflow may do: everything but ending, or moving on, the flow that it is a part of. */
export interface SubflowContext extends BaseContext, BranchContext, ConversationContext, SagaContext, SubflowRunner {}

/** A part of a flow that several flows can use. */
export interface Subflow<Input, Result> {
  readonly name: string;
  readonly run: (input: Input, context: SubflowContext) => Operation<Result>;
}

/**
 * Declares a subflow: `subflow('settle', function* (order: Order, { session, step }) { ... })`; run it with
 * `yield* context.subflow(settle, order)`.
 * @throws TypeError when it has no name, or its code is no generator function
 */
export function subflow<Input, Result>(name: string, run: Subflow<Input, Result>['run']): Subflow<Input, Result> {
  if (typeof name !== 'string' || name === '') throw new TypeError('a subflow needs a name');
  if (Object.prototype.toString.call(run) !== '[object GeneratorFunction]') {
    throw new TypeError(`the code of subflow ${name} is not a generator: write "function* (input, context) { ... }"`);
  }
  return { name, run };
}

/** The part of a flow's context that runs subflows. */
export interface SubflowRunner {
  /**
   * Runs a subflow. Sessions that it opens are its own: another one than the flow's with the same peer. They are closed
   * when it returns; when it fails, or is cancelled, their peers are told of an error.
   */
  subflow<Input, Result>(subflow: Subflow<Input, Result>, input: Input): Operation<Result>;
}

export function subflows(context: () => SubflowContext, duties: Duties): SubflowRunner {
  return {
    subflow: <Input, Result>(part: Subflow<Input, Result>, input: Input): Operation<Result> =>
      duties.made(`subflow "${part.name}"`, () => within(part, input, context)),
  };
}

// No closure, for the reason that `context.ts` gives.
function* within<Input, Result>(
  { name, run }: Subflow<Input, Result>,
  input: Input,
  context: () => SubflowContext,
): Operation<Result> {
  const scope = yield* perform<string>({ op: 'enter', label: name });
  let end: { readonly kind: 'close' | 'error'; readonly reason: string } = {
    kind: 'error',
    reason: `subflow ${name} was cancelled`,
  };
  try {
    const result = yield* run(input, scoped(context(), scope));
    end = { kind: 'close', reason: '' };
    return result;
  } catch (error) {
    end = { kind: 'error', reason: messageOf(error) };
    throw error;
  } finally {
    yield* perform({ op: 'leave', label: name, scope, ...end });
  }
}

/** The same context, with sessions that bear the scope in their names. */
function scoped(context: SubflowContext, scope: string): SubflowContext {
  const session: SubflowContext['session'] = (peer, protocol, { name = '' } = {}) =>
    context.session(peer, protocol, { name: `${scope}${name}` });
  return Object.create(context, { session: { value: session, enumerable: true } });
}

/** What to do about a failure: asks the policy, and copes with a policy that fails itself. */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { Logger } from '../../ports/index.ts';
import type { Decision, Failure } from './types.ts';

export interface Verdict {
  readonly decision: Decision;
  /** What goes up if the failure is escalated. */
  readonly error: Error;
}

/** Asks `policy`; without one the actor stops. A policy that throws cannot be trusted to restart anything: escalated. */
export function judge(failure: Failure, policy: ((failure: Failure) => Decision) | undefined): Verdict {
  const { error, ref } = failure;
  if (policy === undefined) {
    // Who asks for a restart means one; without a policy there is nobody else to ask.
    const decision: Decision = failure.during === 'restart' ? { type: 'restart', delayMs: 0 } : { type: 'stop' };
    return { decision, error };
  }
  try {
    return { decision: policy(failure), error };
  } catch (thrown) {
    const context = { path: ref.path, policy: messageOf(thrown) };
    return { decision: { type: 'escalate' }, error: new WeirError('WEIR_POLICY_FAILED', context, error) };
  }
}

/** Every failure leaves a line with its cause, whatever is done about it. */
export function logFailure(logger: Logger, { ref, error, during }: Failure, decision: Decision): void {
  const fields = { actor: ref.path, uid: ref.uid, during, decision: decision.type, err: error };
  if (decision.type === 'restart') logger.warn({ ...fields, delayMs: decision.delayMs }, 'actor failed');
  else logger.error(fields, 'actor failed');
}

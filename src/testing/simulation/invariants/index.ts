/** What Weir promises, as invariants of every simulated world. */
import type { Invariant } from '../world.ts';
import { acceptedFlowsExist } from './accepted-flows-exist.ts';

/** A fresh set for one run. */
export function weirInvariants(): Invariant[] {
  return [acceptedFlowsExist()];
}

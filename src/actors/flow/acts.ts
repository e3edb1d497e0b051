/** Acts on a flow as its history keeps them: who, when, what and why (SM5). */
import type { ActRecord, FlowHead } from '../../persistence/index.ts';
import type { Authority, Clock } from '../../ports/index.ts';
import { cut } from './limits.ts';

/** Acts that a head keeps: the start and the newest ones; the rest is the audit's. */
const maxActs = 20;

export function actNow(clock: Clock, act: string, { principal, reason }: Authority): ActRecord {
  return { at: clock.now(), act, principal: cut(principal.name), reason: cut(reason) };
}

/** Adds an act to a flow's history. */
export function remember(head: FlowHead, act: ActRecord): void {
  if (head.acts.length >= maxActs) head.acts.splice(1, 1);
  head.acts.push(act);
}

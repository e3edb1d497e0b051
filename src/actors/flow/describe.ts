/** A flow as an operator sees it: where it is, what it waits on, and what did not go well. */

import { decodeValue, type JournalEntry, type SessionRecord } from '../../persistence/index.ts';
import { failedAt, nameOf } from './hospital.ts';
import { type FlowInstance, peerOf } from './instance.ts';
import type { FailedOperation, FlowDescription } from './protocol.ts';

/** Branches that are named; a flow may have thousands. */
const maxBranches = 20;

export function describe(flow: FlowInstance): FlowDescription {
  const { head, journal } = flow;
  const place = head.status === 'STUCK' ? failedAt(flow) : -1;
  const failed = journal[place];
  return {
    flowId: flow.id,
    flow: head.flow,
    version: head.version,
    member: flow.member,
    clientRequestId: head.clientRequestId,
    status: head.status,
    stage: head.stage,
    visit: head.visit,
    operations: journal.length,
    waitingOn: flow.waits[0],
    branches: flow.waits.slice(1, maxBranches),
    unread: flow.unread.length,
    sessions: head.sessions.map((session) => ({
      id: session.id,
      protocol: session.protocol,
      peer: peerOf(session),
      sent: session.sent,
      received: session.received,
      state: standOf(session),
    })),
    fault: head.fault,
    state: stateOf(flow),
    stateBytes: head.state.length,
    ...(failed === undefined ? {} : { failed: failedOperation(failed) }),
    retrying: journal
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry !== failed && entry.state === 'open' && entry.failures.length > 0)
      .slice(0, maxBranches)
      .map(failedOperation),
    stays: head.stays.map((stay) => ({ ...stay })),
  };
}

/** What cannot be read is what the flow is STUCK for; it can be described all the same. */
function stateOf({ head }: FlowInstance): unknown {
  try {
    return decodeValue(head.state);
  } catch {
    return undefined;
  }
}

function failedOperation(entry: JournalEntry): FailedOperation {
  // Only steps are tried again by themselves; the number of an `ask` says something else.
  const attempts = entry.op === 'step' ? entry.attempts : 1;
  // Plain objects, not those of the codec.
  return { operation: nameOf(entry), attempts, failures: entry.failures.map((failure) => ({ ...failure })) };
}

/** How a session stands: `open`, `closed` from one side or both, or how it has failed. */
function standOf({ status, peer, cause }: SessionRecord): string {
  if (peer === 'failed') return cause;
  return status === 'closed' ? 'closed' : peer;
}

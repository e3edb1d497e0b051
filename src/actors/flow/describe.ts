/** A flow as an operator sees it: where it is and what it waits on. */
import { type FlowInstance, peerOf } from './instance.ts';
import type { FlowDescription } from './protocol.ts';

/** Branches that are named; a flow may have thousands. */
const maxBranches = 20;

export function describe(flow: FlowInstance): FlowDescription {
  const { head } = flow;
  return {
    flowId: flow.id,
    flow: head.flow,
    version: head.version,
    member: flow.member,
    clientRequestId: head.clientRequestId,
    status: head.status,
    stage: head.stage,
    visit: head.visit,
    operations: flow.journal.length,
    waitingOn: flow.waits[0],
    branches: flow.waits.slice(1, maxBranches),
    unread: flow.unread.length,
    sessions: head.sessions.map((session) => ({
      id: session.id,
      protocol: session.protocol,
      peer: peerOf(session),
      sent: session.sent,
      received: session.received,
      state: session.status === 'closed' ? 'closed' : session.peer,
    })),
    fault: head.fault,
  };
}

/** The shapes that clients read: flows, pages and what a flow waits on. Times are ISO 8601 text. */
import { type Identity, memberId } from '../../../ports/index.ts';
import type { FlowDescription } from '../../flow/protocol.ts';
import type { FlowPage, FlowView } from '../protocol.ts';
import { toJson } from './json.ts';

export function flowJson(view: FlowView): Record<string, unknown> {
  const { history, result, error } = view;
  return {
    ...shortFlowJson(view),
    history: history.map((entry) => ({ ...entry, at: timeOf(entry.at) })),
    ...(result === undefined ? {} : { result: toJson(result) }),
    ...(error === undefined ? {} : { error: { ...error, details: toJson(error.details) } }),
  };
}

/** A page names each flow, how it stands and why; results and histories may be large, and are read one by one. */
export function pageJson({ flows, cursor }: FlowPage): Record<string, unknown> {
  return { flows: flows.map(shortFlowJson), ...(cursor === undefined ? {} : { cursor }) };
}

export function waitingJson({ member, waitingOn, fault, sessions, ...rest }: FlowDescription): Record<string, unknown> {
  return {
    ...rest,
    member: memberJson(member),
    ...(waitingOn === undefined
      ? {}
      : { waitingOn: { ...waitingOn, due: waitingOn.due === undefined ? undefined : timeOf(waitingOn.due) } }),
    sessions: sessions.map((session) => ({ ...session, peer: memberJson(session.peer) })),
    ...(fault === null ? {} : { error: { code: fault.code, message: fault.message } }),
  };
}

export function memberJson(identity: Identity): Record<string, unknown> {
  return { name: identity.name, group: identity.group, id: memberId(identity) };
}

function shortFlowJson(view: FlowView): Record<string, unknown> {
  const { flowId, flow, version, member, clientRequestId, status, stage, created, updated, startedBy, error } = view;
  return {
    flowId,
    flow,
    version,
    member: memberJson(member),
    clientRequestId,
    status,
    stage,
    createdAt: timeOf(created),
    updatedAt: timeOf(updated),
    startedBy,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

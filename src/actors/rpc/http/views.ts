/** The shapes that clients read: flows, pages and what a flow waits on. Times are ISO 8601 text. */
import { z } from 'zod';
import { flowStatuses } from '../../../persistence/index.ts';
import { type Identity, memberId } from '../../../ports/index.ts';
import type { FlowDescription, WaitingOn } from '../../flow/protocol.ts';
import type { FlowPage, FlowView } from '../protocol.ts';
import { toJson } from './json.ts';
import type { Json } from './routing/route.ts';

/** ISO 8601 text, in UTC. */
export const timeSchema = z.string().meta({ format: 'date-time' });
export const countSchema = z.int().min(0);

export const memberSchema = z
  .object({ name: z.string(), group: z.string(), id: z.string().describe('short id, which may stand in paths') })
  .meta({ id: 'Member' });

const flowStatus = z
  .enum(flowStatuses)
  .meta({ id: 'FlowStatus', description: 'RUNNING, STUCK (an operator must act), or one of those that never change' });

const shortError = z.object({ code: z.string(), message: z.string() });

const shortFlowSchema = z
  .object({
    flowId: z.string(),
    flow: z.string().describe('name of its definition'),
    version: z.int(),
    member: memberSchema,
    clientRequestId: z.string(),
    status: flowStatus,
    stage: z.string(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    startedBy: z.string().describe('principal'),
    error: shortError.optional(),
  })
  .meta({ id: 'ShortFlow', description: 'A flow as it stands in pages: how it is and why' });

export const flowSchema = shortFlowSchema
  .extend({
    history: z.array(z.object({ at: timeSchema, act: z.string(), principal: z.string(), reason: z.string() })),
    progress: z
      .array(z.object({ number: countSchema, at: timeSchema, text: z.string(), details: z.unknown().optional() }))
      .describe('its newest reports on how far it has come, oldest first'),
    result: z.unknown().optional().describe('what it returned, when COMPLETED; not there when that was nothing'),
    error: shortError
      .extend({
        remedy: z.string().optional(),
        at: z.string().optional().describe('stage, operation and line of code'),
        details: z.unknown().optional(),
      })
      .optional()
      .describe('why it FAILED, was KILLED or is STUCK'),
  })
  .meta({ id: 'Flow' });

export const pageSchema = z
  .object({ flows: z.array(shortFlowSchema), cursor: z.string().optional().describe('asks for the next page') })
  .meta({ id: 'FlowPage' });

const waitSchema = z
  .object({
    what: z.string(),
    label: z.string(),
    due: timeSchema.optional().describe('when it gives up, or goes on by itself'),
  })
  .meta({ id: 'Wait' });

export const waitingSchema = z
  .object({
    flowId: z.string(),
    flow: z.string(),
    version: z.int(),
    member: memberSchema,
    clientRequestId: z.string(),
    status: flowStatus,
    stage: z.string(),
    visit: countSchema,
    operations: countSchema.describe('journalled in the running visit'),
    unread: countSchema.describe('session messages that it has not read yet'),
    waitingOn: waitSchema.optional(),
    branches: z.array(waitSchema).describe('what its other branches wait on, at most 19 of them'),
    sessions: z.array(
      z.object({
        id: z.string(),
        protocol: z.string(),
        peer: memberSchema,
        sent: countSchema,
        received: countSchema,
        state: z.string(),
      }),
    ),
    error: shortError.optional(),
  })
  .meta({ id: 'FlowWaiting' });

export function flowJson(view: FlowView): Json<typeof flowSchema> {
  const { history, progress, result, error } = view;
  return {
    ...shortFlowJson(view),
    history: history.map((entry) => ({ ...entry, at: timeOf(entry.at) })),
    progress: progress.map(({ details, ...report }) => ({
      ...report,
      at: timeOf(report.at),
      ...(details === undefined ? {} : { details: toJson(details) }),
    })),
    ...(result === undefined ? {} : { result: toJson(result) }),
    ...(error === undefined ? {} : { error: { ...error, details: toJson(error.details) } }),
  };
}

/** A page names each flow, how it stands and why; results and histories may be large, and are read one by one. */
export function pageJson({ flows, cursor }: FlowPage): Json<typeof pageSchema> {
  return { flows: flows.map(shortFlowJson), ...(cursor === undefined ? {} : { cursor }) };
}

export function waitingJson({
  member,
  waitingOn,
  branches,
  fault,
  sessions,
  ...rest
}: FlowDescription): Json<typeof waitingSchema> {
  return {
    ...rest,
    member: memberJson(member),
    ...(waitingOn === undefined ? {} : { waitingOn: waitJson(waitingOn) }),
    branches: branches.map(waitJson),
    sessions: sessions.map((session) => ({ ...session, peer: memberJson(session.peer) })),
    ...(fault === null ? {} : { error: { code: fault.code, message: fault.message } }),
  };
}

export function memberJson(identity: Identity): Json<typeof memberSchema> {
  return { name: identity.name, group: identity.group, id: memberId(identity) };
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function waitJson({ what, label, due }: WaitingOn): Json<typeof waitSchema> {
  return { what, label, ...(due === undefined ? {} : { due: timeOf(due) }) };
}

function shortFlowJson(view: FlowView): Json<typeof shortFlowSchema> {
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

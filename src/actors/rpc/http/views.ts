/** The shapes that clients read: flows, pages and what a flow waits on. Times are ISO 8601 text. */
import { z } from 'zod';
import { flowStatuses } from '../../../persistence/index.ts';
import { type Identity, memberId } from '../../../ports/index.ts';
import type { FlowPage, FlowView } from '../protocol.ts';
import { toJson } from './json.ts';
import type { Json } from './routing/route.ts';

/** ISO 8601 text, in UTC. */
export const timeSchema = z.string().meta({ format: 'date-time' });
export const countSchema = z.int().min(0);

export const memberSchema = z
  .object({ name: z.string(), group: z.string(), id: z.string().describe('short id, which may stand in paths') })
  .meta({ id: 'Member' });

export const flowStatus = z
  .enum(flowStatuses)
  .meta({ id: 'FlowStatus', description: 'RUNNING, STUCK (an operator must act), or one of those that never change' });

export const shortError = z.object({ code: z.string(), message: z.string() });

export const shortFlowSchema = z
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

export function memberJson(identity: Identity): Json<typeof memberSchema> {
  return { name: identity.name, group: identity.group, id: memberId(identity) };
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

export function shortFlowJson(view: FlowView): Json<typeof shortFlowSchema> {
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

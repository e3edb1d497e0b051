/** Routes of flows: they translate requests to questions for the RPC service, and its answers to JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ErrorCode } from '../../../errors/index.ts';
import type { FlowView } from '../protocol.ts';
import type { Edge } from './edge.ts';
import { toJson } from './json.ts';
import {
  groupQuery,
  listQuery,
  memberListQuery,
  memberPath,
  queryBody,
  reasonBody,
  retryBody,
  signalBody,
  skipBody,
  startBody,
  startQuery,
  waitQuery,
} from './requests.ts';
import { apiRoot, json, type Route, route, rpcErrors } from './routing/route.ts';
import { flowJson, flowSchema, pageJson, pageSchema } from './views.ts';
import { checkpointJson, checkpointSchema, waitingJson, waitingSchema } from './waiting-views.ts';

const tag = 'flows';
const flowPath = z.object({ flowId: z.string() });
const requestPath = memberPath.extend({ clientRequestId: z.string() });

const location = { location: 'where the flow is found' };
const created = z.boolean().describe('false when an earlier request with the same id and body had started it');
const startedSchema = z
  .object({ flowId: z.string(), created, flow: z.string(), clientRequestId: z.string() })
  .meta({ id: 'Started' });
const startedFlowSchema = flowSchema.extend({ created }).meta({ id: 'StartedFlow' });

const signalledSchema = z
  .object({
    flowId: z.string(),
    signal: z.string(),
    signalId: z.string(),
    accepted: z.boolean().describe('false when an earlier request with the same id had brought it'),
  })
  .meta({ id: 'Signalled' });
const queryAnswerSchema = z
  .object({ value: z.unknown().optional().describe('not there when the answer is nothing') })
  .meta({ id: 'QueryAnswer' });

const readErrors: readonly ErrorCode[] = [...rpcErrors, 'WEIR_FLOW_NOT_FOUND'];
const shardErrors: readonly ErrorCode[] = [...readErrors, 'WEIR_FLOW_FINISHED', 'WEIR_SHARD_UNAVAILABLE'];
const startErrors: readonly ErrorCode[] = [
  ...readErrors,
  ...(['WEIR_MEMBER_UNKNOWN', 'WEIR_FLOW_UNKNOWN', 'WEIR_FLOW_RESPONDS', 'WEIR_FLOW_INPUT_INVALID'] as const),
  ...(['WEIR_FLOW_REQUEST_ID_INVALID', 'WEIR_FLOW_CONFLICT', 'WEIR_VALUE_UNSUPPORTED'] as const),
  ...(['WEIR_WAITING_FULL', 'WEIR_SHARD_BUSY', 'WEIR_SHARD_UNAVAILABLE', 'WEIR_FLOWS_ABSENT'] as const),
  ...(['WEIR_LOG_DISK_FULL', 'WEIR_LOG_CLOSED', 'WEIR_LOG_TOO_LARGE'] as const),
];

export function flowRoutes(edge: Edge): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: `${apiRoot}/members/:member/flows`,
      operation: 'startFlow',
      tag,
      summary: 'Starts a flow; the same client request id and body give the same flow',
      params: memberPath,
      query: startQuery,
      body: startBody,
      replies: {
        200: json('the flow, which has ended within `wait`', startedFlowSchema, location),
        202: json(
          'the flow is durable; with `wait` as it is after that, or STUCK',
          z.union([startedFlowSchema, startedSchema]),
          location,
        ),
      },
      errors: startErrors,
      handle: async ({ params, query: { group, wait }, body: { clientRequestId, flow, input }, headers }) => {
        const member = edge.member(params.member, group);
        edge.admitWait(wait);
        const request = { member, flow, clientRequestId, input, trace: traceOf(headers) };
        const { flowId, created } = await edge.start(request);
        const found = { location: `${apiRoot}/flows/${flowId}` };
        if (wait === 0) return { status: 202, body: { flowId, created, flow, clientRequestId }, headers: found };
        const view = await edge.settled({ flowId }, wait);
        return { status: statusOf(view), body: { ...flowJson(view), created }, headers: found };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/members/:member/flows`,
      operation: 'listFlowsOfMember',
      tag,
      summary: 'Flows of a member, newest first',
      params: memberPath,
      query: memberListQuery,
      replies: { 200: json('a page of flows', pageSchema) },
      errors: [...rpcErrors, 'WEIR_MEMBER_UNKNOWN'],
      handle: async ({ params, query: { group, ...query } }) => {
        const member = edge.member(params.member, group);
        return { status: 200, body: pageJson(await edge.list({ member, ...query })) };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/members/:member/requests/:clientRequestId`,
      operation: 'getFlowOfRequest',
      tag,
      summary: 'The flow that a client request id has started',
      params: requestPath,
      query: groupQuery,
      replies: { 200: json('the flow', flowSchema) },
      errors: [...readErrors, 'WEIR_MEMBER_UNKNOWN', 'WEIR_REQUEST_NOT_FOUND'],
      handle: async ({ params: { member: segment, clientRequestId }, query: { group } }) => {
        const member = edge.member(segment, group);
        return { status: 200, body: flowJson(await edge.get({ member, clientRequestId })) };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/flows`,
      operation: 'listFlows',
      tag,
      summary: 'Flows of all members, newest first',
      query: listQuery,
      replies: { 200: json('a page of flows', pageSchema) },
      errors: rpcErrors,
      handle: async ({ query }) => ({ status: 200, body: pageJson(await edge.list(query)) }),
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/flows/:flowId`,
      operation: 'getFlow',
      tag,
      summary: 'A flow by its id',
      params: flowPath,
      replies: { 200: json('the flow', flowSchema) },
      errors: readErrors,
      handle: async ({ params }) => ({ status: 200, body: flowJson(await edge.get(params)) }),
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/flows/:flowId/result`,
      operation: 'getResult',
      tag,
      summary: 'A flow once it has ended or is STUCK, or as it is after `wait`',
      params: flowPath,
      query: waitQuery,
      replies: {
        200: json('the flow, which has ended', flowSchema),
        202: json('the flow, which goes on or is STUCK', flowSchema),
      },
      errors: [...readErrors, 'WEIR_WAITING_FULL'],
      handle: async ({ params, query: { wait } }) => {
        const view = await edge.settled(params, wait);
        return { status: statusOf(view), body: flowJson(view) };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/flows/:flowId/waiting`,
      operation: 'getWaiting',
      tag,
      summary: 'What an unfinished flow waits on',
      params: flowPath,
      replies: { 200: json('where the flow is and what it waits on', waitingSchema) },
      errors: shardErrors,
      handle: async ({ params }) => ({ status: 200, body: waitingJson(await edge.describe(params)) }),
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/flows/:flowId/checkpoint`,
      operation: 'getCheckpoint',
      tag,
      summary: 'What is kept of an unfinished flow, to judge other code by',
      params: flowPath,
      replies: { 200: json('records of its head and its journal', checkpointSchema) },
      errors: [...shardErrors, 'WEIR_FLOW_TOO_LARGE', 'WEIR_RECORD_UNREADABLE'],
      handle: async ({ params }) => ({ status: 200, body: checkpointJson(await edge.checkpoint(params)) }),
    }),
    ...talk(edge),
    ...interventions(edge),
  ];
}

/** What clients tell a running flow, and ask of it. */
function talk(edge: Edge): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/signals/:signal`,
      operation: 'signalFlow',
      tag,
      summary: 'Gives a running flow a signal; the same id and body are the same signal',
      params: flowPath.extend({ signal: z.string() }),
      body: signalBody,
      replies: { 202: json('the signal is durable', signalledSchema) },
      errors: [
        ...shardErrors,
        ...(['WEIR_FLOW_UNKNOWN', 'WEIR_SIGNAL_UNKNOWN', 'WEIR_SIGNAL_INVALID', 'WEIR_SIGNAL_CONFLICT'] as const),
        ...(['WEIR_SIGNALS_FULL', 'WEIR_FLOW_TOO_LARGE', 'WEIR_FLOW_REQUEST_ID_INVALID', 'WEIR_SHARD_BUSY'] as const),
      ],
      handle: async ({ params: { flowId, signal }, body }) => {
        const { accepted } = await edge.signal({ flowId }, signal, body);
        return { status: 202, body: { flowId, signal, signalId: body.signalId, accepted } };
      },
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/queries/:query`,
      operation: 'queryFlow',
      tag,
      summary: 'Asks a running flow something; it answers from its stage and state, without running its code',
      params: flowPath.extend({ query: z.string() }),
      body: queryBody,
      replies: { 200: json('the answer', queryAnswerSchema) },
      errors: [
        ...shardErrors,
        ...(['WEIR_QUERY_UNKNOWN', 'WEIR_QUERY_FAILED', 'WEIR_VALUE_UNSUPPORTED', 'WEIR_FLOW_CODE_MISSING'] as const),
      ],
      handle: async ({ params: { flowId, query }, body }) => {
        const { value } = await edge.query({ flowId }, query, body.input);
        return { status: 200, body: value === undefined ? {} : { value: toJson(value) } };
      },
    }),
  ];
}

/** What operators do to a flow; its history keeps the reason. */
function interventions(edge: Edge): readonly Route[] {
  const replies = { 200: json('the flow, on which the act has taken effect', flowSchema) };
  const stuckErrors: readonly ErrorCode[] = [...shardErrors, 'WEIR_FLOW_NOT_STUCK', 'WEIR_VALUE_UNSUPPORTED'];
  return [
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/kill`,
      operation: 'killFlow',
      tag,
      summary: 'Ends a flow; its peers are told',
      params: flowPath,
      body: reasonBody,
      replies,
      errors: shardErrors,
      handle: async ({ params, body: { reason } }) => ({
        status: 200,
        body: flowJson(await edge.kill(params, reason)),
      }),
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/cancel`,
      operation: 'cancelFlow',
      tag,
      summary: 'Lets a flow run its cleanup and ends it; its peers are told',
      params: flowPath,
      body: reasonBody,
      replies: { 200: json('the flow, which is ending', flowSchema) },
      errors: [...shardErrors, 'WEIR_FLOW_STUCK'],
      handle: async ({ params, body: { reason } }) => ({
        status: 200,
        body: flowJson(await edge.cancel(params, reason)),
      }),
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/retry`,
      operation: 'retryFlow',
      tag,
      summary: 'Lets a STUCK flow try again what failed or, with `state`, begin its stage anew',
      params: flowPath,
      body: retryBody,
      replies,
      errors: [...stuckErrors, 'WEIR_FLOW_STATE_INVALID'],
      handle: async ({ params, body }) => {
        const correction = 'state' in body ? { type: 'edit' as const, state: body.state } : { type: 'retry' as const };
        return { status: 200, body: flowJson(await edge.resume(params, correction, body.reason)) };
      },
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/flows/:flowId/skip`,
      operation: 'skipOperation',
      tag,
      summary: 'Lets a STUCK flow go on as if what failed had given `result`',
      params: flowPath,
      body: skipBody,
      replies,
      errors: [...stuckErrors, 'WEIR_FLOW_NOTHING_TO_SKIP'],
      handle: async ({ params, body: { reason, result } }) => ({
        status: 200,
        body: flowJson(await edge.resume(params, { type: 'skip', result }, reason)),
      }),
    }),
  ];
}

/** 200 for a flow that has ended, 202 for one that goes on or is STUCK. */
function statusOf({ status }: FlowView): 200 | 202 {
  return status === 'RUNNING' || status === 'STUCK' ? 202 : 200;
}

/** The trace that the caller is in (W3C trace context), if it says so. */
function traceOf({ traceparent }: IncomingHttpHeaders): string {
  return typeof traceparent === 'string' ? (/^00-([0-9a-f]{32})-/.exec(traceparent)?.[1] ?? '') : '';
}

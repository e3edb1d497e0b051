/** Routes of flows: they translate requests to questions for the RPC service, and its answers to JSON. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Edge } from './edge.ts';
import { sendJson, sendOutcome } from './reply.ts';
import {
  groupQuery,
  listQuery,
  memberListQuery,
  noQuery,
  parsed,
  reasonBody,
  retryBody,
  skipBody,
  startBody,
  startQuery,
  waitQuery,
} from './requests.ts';
import { flowJson, pageJson, waitingJson } from './views.ts';

export const apiRoot = '/api/v1';

interface MemberPath {
  Params: { readonly member: string };
}

interface RequestPath {
  Params: { readonly member: string; readonly clientRequestId: string };
}

interface FlowPath {
  Params: { readonly flowId: string };
}

export function flowRoutes(app: FastifyInstance, edge: Edge): void {
  app.post<MemberPath>(`${apiRoot}/members/:member/flows`, async (request, reply) => {
    const { group, wait } = parsed(startQuery, request.query);
    const member = edge.member(request.params.member, group);
    const { clientRequestId, flow, input } = parsed(startBody, request.body);
    edge.admitWait(wait);
    const { flowId, created } = await edge.start({ member, flow, clientRequestId, input, trace: traceOf(request) });
    void reply.header('location', `${apiRoot}/flows/${flowId}`);
    if (wait === 0) return sendJson(reply, 202, { flowId, created, flow, clientRequestId });
    return sendOutcome(reply, await edge.settled({ flowId }, wait), { created });
  });

  app.get<MemberPath>(`${apiRoot}/members/:member/flows`, async (request, reply) => {
    const { group, ...query } = parsed(memberListQuery, request.query);
    const member = edge.member(request.params.member, group);
    return sendJson(reply, 200, pageJson(await edge.list({ member, ...query })));
  });

  app.get<RequestPath>(`${apiRoot}/members/:member/requests/:clientRequestId`, async (request, reply) => {
    const { group } = parsed(groupQuery, request.query);
    const { clientRequestId } = request.params;
    const member = edge.member(request.params.member, group);
    return sendJson(reply, 200, flowJson(await edge.get({ member, clientRequestId })));
  });

  app.get(`${apiRoot}/flows`, async (request, reply) => {
    return sendJson(reply, 200, pageJson(await edge.list(parsed(listQuery, request.query))));
  });

  app.get<FlowPath>(`${apiRoot}/flows/:flowId`, async (request, reply) => {
    parsed(noQuery, request.query);
    return sendJson(reply, 200, flowJson(await edge.get(request.params)));
  });

  app.get<FlowPath>(`${apiRoot}/flows/:flowId/result`, async (request, reply) => {
    const { wait } = parsed(waitQuery, request.query);
    return sendOutcome(reply, await edge.settled(request.params, wait));
  });

  app.get<FlowPath>(`${apiRoot}/flows/:flowId/waiting`, async (request, reply) => {
    parsed(noQuery, request.query);
    return sendJson(reply, 200, waitingJson(await edge.describe(request.params)));
  });

  app.post<FlowPath>(`${apiRoot}/flows/:flowId/kill`, async (request, reply) => {
    parsed(noQuery, request.query);
    const { reason } = parsed(reasonBody, request.body);
    return sendJson(reply, 200, flowJson(await edge.kill(request.params, reason)));
  });

  app.post<FlowPath>(`${apiRoot}/flows/:flowId/retry`, async (request, reply) => {
    parsed(noQuery, request.query);
    const body = parsed(retryBody, request.body);
    const correction = 'state' in body ? { type: 'edit' as const, state: body.state } : { type: 'retry' as const };
    return sendJson(reply, 200, flowJson(await edge.resume(request.params, correction, body.reason)));
  });

  app.post<FlowPath>(`${apiRoot}/flows/:flowId/skip`, async (request, reply) => {
    parsed(noQuery, request.query);
    const { reason, result } = parsed(skipBody, request.body);
    return sendJson(reply, 200, flowJson(await edge.resume(request.params, { type: 'skip', result }, reason)));
  });
}

/** The trace that the caller is in (W3C trace context), if it says so. */
function traceOf({ headers }: FastifyRequest): string {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? (/^00-([0-9a-f]{32})-/.exec(traceparent)?.[1] ?? '') : '';
}

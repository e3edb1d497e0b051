/** How routes answer: ready-made JSON text, so that nothing is compiled or guessed for each request. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WeirError } from '../../../errors/index.ts';
import type { FlowView } from '../protocol.ts';
import { problemOf } from './problem.ts';
import { flowJson } from './views.ts';

const jsonType = 'application/json; charset=utf-8';

export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply.code(status).header('content-type', jsonType).send(JSON.stringify(value));
}

/** 200 for a flow that has ended, 202 for one that goes on or is STUCK. */
export function sendOutcome(reply: FastifyReply, view: FlowView, more: Record<string, unknown> = {}): FastifyReply {
  const ended = view.status !== 'RUNNING' && view.status !== 'STUCK';
  return sendJson(reply, ended ? 200 : 202, { ...flowJson(view), ...more });
}

export function sendProblem(reply: FastifyReply, error: WeirError): FastifyReply {
  const { status, headers, body } = problemOf(error);
  return reply.code(status).headers(headers).send(body);
}

/** The path without its query. */
export function pathOf(request: FastifyRequest): string {
  const { url } = request;
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** How requests are refused, and what is said of them in the log. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WeirError } from '../../../errors/index.ts';
import { problemOf } from './problem.ts';

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

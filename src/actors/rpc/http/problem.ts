/** Errors as RFC 9457 problems: one shape for every refusal, whoever noticed it. */
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { ErrorCode, WeirError } from '../../../errors/index.ts';
import type { Json } from './routing/route.ts';

const problemType = 'application/problem+json; charset=utf-8';

/** Seconds after which a client may try again what was refused because of load, or of a start that is under way. */
const retryAfterSeconds = 1;

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal, whoever noticed it (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string().describe('path of the page that tells what it means and what to do'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    remedy: z.string(),
    retryable: z.boolean().describe('whether the same request may succeed later without a change'),
    flowId: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457)' });

export function problemJson({
  code,
  status,
  message,
  remedy,
  retryable,
  context,
}: WeirError): Json<typeof problemSchema> {
  return {
    type: `/errors/${code}`,
    title: titleOf(code),
    status,
    detail: message,
    code,
    remedy,
    retryable,
    ...(context.flowId === undefined ? {} : { flowId: String(context.flowId) }),
  };
}

export function problemOf(error: WeirError): Problem {
  const { code, status, context } = error;
  const wait = status === 429 || status === 503;
  return {
    status,
    headers: {
      'content-type': problemType,
      ...(wait ? { 'retry-after': String(retryAfterSeconds) } : {}),
      ...(code === 'WEIR_HTTP_METHOD' ? { allow: String(context.allow) } : {}),
      ...(code === 'WEIR_FEED_UPGRADE' ? { connection: 'Upgrade', upgrade: 'websocket' } : {}),
    },
    body: JSON.stringify(problemJson(error)),
  };
}

/** A whole answer, for sockets that the server has given out of its hands. */
export function rawProblem(error: WeirError): string {
  const { status, headers, body } = problemOf(error);
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}

/** `WEIR_FLOW_NOT_FOUND` reads "Flow not found". */
export function titleOf(code: ErrorCode): string {
  const words = code
    .replace(/^WEIR_/, '')
    .toLowerCase()
    .replaceAll('_', ' ')
    .replace(/^http /, 'HTTP ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

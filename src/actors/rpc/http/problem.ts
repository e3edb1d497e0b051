/** Errors as RFC 9457 problems: one shape for every refusal, whoever noticed it. */
import type { ErrorCode, WeirError } from '../../../errors/index.ts';

const problemType = 'application/problem+json; charset=utf-8';

/** Seconds after which a client may try again what was refused because of load, or of a start that is under way. */
const retryAfterSeconds = 1;

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function problemOf(error: WeirError): Problem {
  const { code, status, message, remedy, retryable, context } = error;
  const wait = status === 429 || status === 503;
  return {
    status,
    headers: {
      'content-type': problemType,
      ...(wait ? { 'retry-after': String(retryAfterSeconds) } : {}),
      ...(code === 'WEIR_HTTP_METHOD' ? { allow: String(context.allow) } : {}),
    },
    body: JSON.stringify({
      type: `/errors/${code}`,
      title: titleOf(code),
      status,
      detail: message,
      code,
      remedy,
      retryable,
      ...(context.flowId === undefined ? {} : { flowId: context.flowId }),
    }),
  };
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

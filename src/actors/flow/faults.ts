/**
 * Errors of flows: which classes there are, what the engine does with each, and how one is kept in a record.
 *
 * transient: retried by the flow's policy · application: thrown into flow code, FAILED when nobody catches it ·
 * fatal (a bug, poison, exhausted retries): STUCK, until an operator acts.
 */
import { type ErrorCode, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type FailureRecord, type FaultRecord } from '../../persistence/index.ts';

/** Throw it in a step: the step is tried again by the flow's policy. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** Throw it in a step or a persistent actor: the flow gets it, and can catch it; uncaught, the flow has FAILED. */
export class ApplicationError extends Error {
  override readonly name: string = 'ApplicationError';
  readonly code: string;
  readonly details: unknown;

  constructor(code: string, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/**
 * What flow code catches: an error of a step, an actor or a session, as it was recorded. `name` is the name of the
 * original error's class, `code` a stable code (`WEIR_...` for the platform's own).
 */
export class FlowError extends ApplicationError {
  override readonly name: string;
  /** @internal */
  readonly stackOfOrigin: string;
  /** What can be done about it, for the platform's own errors. */
  readonly remedy: string;

  /** @internal */
  constructor(fault: FaultRecord) {
    super(fault.code, fault.message, fault.details.length === 0 ? undefined : decodeValue(fault.details));
    this.name = fault.name;
    this.stackOfOrigin = fault.stack;
    this.remedy = fault.remedy;
  }
}

/** A platform error for flow code, from the catalogue. */
export function platformFault(code: ErrorCode, context: Record<string, string | number>): FaultRecord {
  const error = new WeirError(code, context);
  const { message, remedy } = error;
  return { name: 'FlowError', code, message, details: noBytes, stack: '', remedy, at: '' };
}

const noBytes = new Uint8Array();

/** Names of errors that only a defect of the code can have thrown. */
const bugs = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'AssertionError',
  'WeirError',
]);

/** Codes of a network that is down or slow for a moment; those of undici are what `fetch` fails with. */
const transientCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]);
const maxCauses = 8;

/** Whether trying again may help: the error says so itself, or one of its causes is a network that failed. */
export function isTransient(thrown: unknown, depth = 0): boolean {
  if (!(thrown instanceof Error) || depth > maxCauses) return false;
  if (thrown instanceof TransientError) return true;
  if (thrown instanceof WeirError) return thrown.retryable;
  if (property(thrown, 'name') === 'TimeoutError') return true;
  if (transientCodes.has(String(property(thrown, 'code')))) return true;
  const several: unknown = property(thrown, 'errors');
  const causes = [property(thrown, 'cause'), ...(Array.isArray(several) ? several : [])];
  return causes.some((cause) => isTransient(cause, depth + 1));
}

/** What an error that flow code did not catch means for the flow. */
export function verdictOn(thrown: unknown): 'FAILED' | 'STUCK' {
  // What is thrown and no error says nothing that could be told to anybody.
  if (thrown instanceof ApplicationError)
    return bugs.has(thrown.name) || thrown.code === notAnError ? 'STUCK' : 'FAILED';
  if (!(thrown instanceof Error)) return 'STUCK';
  if (thrown instanceof WeirError || thrown instanceof TransientError) return 'STUCK';
  return bugs.has(text(property(thrown, 'name'))) ? 'STUCK' : 'FAILED';
}

const notAnError = 'THROWN';
const maxName = 200;
const maxMessage = 4_000;
const maxStack = 4_000;
/** An error stands in the head of its flow beside the state, so both have to fit into one record. */
const maxDetailBytes = 128 * 1024;

/** Anything that was thrown, in the form in which it is kept. Never throws, whatever was thrown. */
export function faultOf(thrown: unknown): FaultRecord {
  const none = { details: noBytes, remedy: '', at: '' };
  if (!(thrown instanceof Error)) {
    return { name: 'Error', code: notAnError, message: shorten(text(thrown), maxMessage), stack: '', ...none };
  }
  const name = shorten(text(property(thrown, 'name')), maxName);
  const code = property(thrown, 'code');
  const details = thrown instanceof ApplicationError ? thrown.details : undefined;
  const remedy = thrown instanceof FlowError ? thrown.remedy : thrown instanceof WeirError ? thrown.remedy : '';
  const stack = thrown instanceof FlowError ? thrown.stackOfOrigin : property(thrown, 'stack');
  return {
    ...none,
    name,
    code: typeof code === 'string' ? shorten(code, maxName) : name,
    message: shorten(text(property(thrown, 'message')), maxMessage),
    details: details === undefined ? noBytes : encodeDetails(details),
    stack: shorten(text(stack ?? ''), maxStack),
    remedy,
  };
}

/** The same as one of several, in a sentence. */
export function failureOf(thrown: unknown, at: number): FailureRecord {
  const { code, message } = faultOf(thrown);
  return { at, code, message, place: '' };
}

/** A property of something that a stranger made: its getter may throw. */
function property(of: object, key: string): unknown {
  try {
    return Reflect.get(of, key);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function encodeDetails(details: unknown): Uint8Array {
  try {
    const bytes = encodeValue(details, 'the details of an error');
    if (bytes.length <= maxDetailBytes) return bytes;
    return encodeValue({ note: `details of ${bytes.length} bytes were dropped` }, 'the details of an error');
  } catch {
    // Details are a courtesy; an error must never be lost because they cannot be kept.
    return encodeValue({ note: 'details of an unsupported type were dropped' }, 'the details of an error');
  }
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/**
 * Errors of flows: which classes there are, what the engine does with each, and how one is kept in a record.
 *
 * transient: retried by the flow's policy · application: thrown into flow code, FAILED when nobody catches it ·
 * fatal (a bug, poison, exhausted retries): STUCK, until an operator acts.
 */
import { type ErrorCode, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type FaultRecord } from '../../persistence/index.ts';

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
  readonly stackOfOrigin: string;

  constructor(fault: FaultRecord) {
    super(fault.code, fault.message, fault.details.length === 0 ? undefined : decodeValue(fault.details));
    this.name = fault.name;
    this.stackOfOrigin = fault.stack;
  }
}

/** A platform error for flow code, from the catalogue. */
export function platformFault(code: ErrorCode, context: Record<string, string | number>): FaultRecord {
  const error = new WeirError(code, context);
  return { name: 'FlowError', code, message: error.message, details: noBytes, stack: '' };
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

/** Codes of a network that is down for a moment. */
const transientCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

export function isTransient(thrown: unknown): boolean {
  if (thrown instanceof TransientError) return true;
  if (thrown instanceof WeirError) return thrown.retryable;
  return thrown instanceof Error && transientCodes.has(String(Reflect.get(thrown, 'code')));
}

/** What an error that flow code did not catch means for the flow. */
export function verdictOn(thrown: unknown): 'FAILED' | 'STUCK' {
  if (thrown instanceof ApplicationError) return bugs.has(thrown.name) ? 'STUCK' : 'FAILED';
  if (!(thrown instanceof Error)) return 'STUCK';
  if (thrown instanceof WeirError || thrown instanceof TransientError) return 'STUCK';
  return bugs.has(thrown.name) ? 'STUCK' : 'FAILED';
}

const maxName = 200;
const maxMessage = 4_000;
const maxStack = 4_000;
/** An error stands in the head of its flow beside the state, so both have to fit into one record. */
const maxDetailBytes = 128 * 1024;

/** Anything that was thrown, in the form in which it is kept. */
export function faultOf(thrown: unknown): FaultRecord {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', code: 'THROWN', message: shorten(String(thrown), maxMessage), details: noBytes, stack: '' };
  }
  const code: unknown = Reflect.get(thrown, 'code');
  const details: unknown = thrown instanceof ApplicationError ? thrown.details : undefined;
  return {
    name: shorten(String(thrown.name), maxName),
    code: shorten(typeof code === 'string' ? code : String(thrown.name), maxName),
    message: shorten(String(thrown.message), maxMessage),
    details: details === undefined ? noBytes : encodeDetails(details),
    stack: shorten(thrown instanceof FlowError ? thrown.stackOfOrigin : String(thrown.stack ?? ''), maxStack),
  };
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

/**
 * The one error type of Weir: a stable code, a sentence that states the fact, and what to do about it.
 * Owns how an error is made and recognised; the codes themselves live in `catalogue/`.
 */
import { catalogue, type ErrorCode } from './catalogue/index.ts';

/** Facts that an error carries beside its message; they must be safe to log. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

export class WeirError extends Error {
  override readonly name = 'WeirError';
  /** Stable, for programs: `WEIR_FLOW_UNKNOWN`. */
  readonly code: ErrorCode;
  /** What the reader can do about it, in one sentence. */
  readonly remedy: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** HTTP status under which an edge reports it. */
  readonly status: number;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, context: ErrorContext = {}, cause?: unknown) {
    const entry = catalogue[code];
    super(fill(entry.message, context), cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = fill(entry.remedy, context);
    this.retryable = entry.retryable ?? false;
    this.status = entry.status;
    this.context = context;
  }

  /** True for a `WeirError`, and for one of exactly `code` if a code is given. */
  static is(error: unknown, code?: ErrorCode): error is WeirError {
    return error instanceof WeirError && (code === undefined || error.code === code);
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Anything that was thrown, as an `Error`; what was not one is kept as its cause. */
export function ensureError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

const mostCauses = 5;

/** Messages of the causes in one line each, innermost last; one that is told in its effect already is left out. */
export function causesOf(thrown: unknown): string[] {
  const causes: string[] = [];
  let told = messageOf(thrown);
  let cause = causeOf(thrown);
  // Counted by the way that was gone: a cause may be told in its effect, or be its own.
  for (let depth = 0; cause !== undefined && depth < 2 * mostCauses && causes.length < mostCauses; depth++) {
    const [message = ''] = messageOf(cause).split('\n');
    if (!told.includes(message)) causes.push(message);
    told = message;
    cause = causeOf(cause);
  }
  return causes;
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}

/** `{name}` is filled in; `{name?}` leaves nothing where the context has no such fact. */
function fill(template: string, context: ErrorContext): string {
  return template.replace(/\{(\w+)(\??)\}/g, (whole, key: string, optional: string) =>
    String(context[key] ?? (optional === '' ? whole : '')),
  );
}

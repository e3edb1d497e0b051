/**
 * What a log line may show of its fields.
 *
 * Owns redaction and the form of errors: secrets are recognised by the name of the field that holds them, at any depth,
 * and by the look of a private key. Output is bounded, since a field may be anything, also something cyclic.
 */
import { WeirError } from '../errors/index.ts';
import type { LogFields } from './logger.ts';

export interface FieldSettings {
  /** Errors show their stacks. */
  readonly stacks: boolean;
}

const redacted = '[redacted]';
const secretName =
  /pass(?:word|phrase|wd)|secret|token|authorization|cookie|credential|(?:private|api|signing|session|wrapping)[-_]?key|key[-_]?material/i;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

const maxDepth = 6;
const maxItems = 100;
/** Values of one line, all together. */
const maxValues = 1_000;
const maxTextLength = 8_192;

interface Budget extends FieldSettings {
  left: number;
}

/** The fields as the line shows them; never throws, whatever the fields are. */
export function shownFields(fields: LogFields, settings: FieldSettings): Record<string, unknown> {
  try {
    return shownObject(fields, maxDepth, { ...settings, left: maxValues });
  } catch (error) {
    // A getter of the caller's object threw: the line is worth more than its fields.
    return { fieldsUnreadable: String(error) };
  }
}

function shown(value: unknown, depth: number, budget: Budget): unknown {
  budget.left -= 1;
  switch (typeof value) {
    case 'string':
      return shownText(value);
    case 'bigint':
    case 'symbol':
      return value.toString();
    case 'function':
      return '[function]';
    case 'object':
      return value === null ? null : shownObjectOf(value, depth - 1, budget);
    default:
      return value;
  }
}

function shownText(text: string): string {
  if (privateKey.test(text)) return redacted;
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}… (${text.length} characters)` : text;
}

function shownObjectOf(value: object, depth: number, budget: Budget): unknown {
  if (depth < 0 || budget.left < 0) return '[…]';
  if (value instanceof Error) return shownError(value, depth, budget);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return shownObject(Object.fromEntries(value), depth, budget);
  if (Array.isArray(value) || value instanceof Set) return shownItems([...value], depth, budget);
  return shownObject(value, depth, budget);
}

function shownItems(items: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const first = items.slice(0, maxItems).map((item) => shown(item, depth, budget));
  return items.length > maxItems ? [...first, `… ${items.length - maxItems} more`] : first;
}

function shownObject(value: object, depth: number, budget: Budget): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const entries = Object.entries(value);
  for (const [name, item] of entries.slice(0, maxItems)) {
    if (item !== undefined) result[name] = secretName.test(name) ? redacted : shown(item, depth, budget);
  }
  if (entries.length > maxItems) result['…'] = `${entries.length - maxItems} more`;
  return result;
}

function shownError(error: Error, depth: number, budget: Budget): Record<string, unknown> {
  const facts = WeirError.is(error)
    ? { code: error.code, remedy: error.remedy, retryable: error.retryable, context: error.context }
    : { code: 'code' in error ? error.code : undefined };
  return shownObject(
    {
      name: error.name,
      message: error.message,
      ...facts,
      cause: error.cause,
      errors: error instanceof AggregateError ? error.errors : undefined,
      stack: budget.stacks ? error.stack : undefined,
    },
    depth,
    budget,
  );
}

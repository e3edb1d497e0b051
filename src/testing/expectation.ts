/**
 * What a test kit says when something is not as expected: a plain error whose message is the difference, and whose
 * stack begins at the line of the test that expected it.
 */
import { inspect, isDeepStrictEqual } from 'node:util';

/** Something was not as a test expected. Any test runner shows its message. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';
}

/** A value that is expected, or a test for it. */
export type Expected<T> = T | ((value: T) => boolean);

/** A line of a test, to which an error that is noticed later belongs. */
export interface CallSite {
  error(message: string): ExpectationError;
}

/** The line that called `callee`. */
export function callSite(callee: (...parameters: never[]) => unknown): CallSite {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  return {
    error(message) {
      const error = new ExpectationError(message);
      const frames = (holder.stack ?? '').split('\n').slice(1);
      error.stack = [`${error.name}: ${message}`, ...frames].join('\n');
      return error;
    },
  };
}

/** Whether a value is what was expected. A function that is expected is a test, never a value. */
export function meets(expected: unknown, actual: unknown): boolean {
  return typeof expected === 'function' ? expected(actual) === true : isDeepStrictEqual(actual, expected);
}

const longestLine = 200;

/** A value in one line, cut where it is too long to be read. */
export function brief(value: unknown): string {
  const text = inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, compact: true });
  return text.length > longestLine ? `${text.slice(0, longestLine)}…` : text;
}

/** Why `actual` is not what was expected. */
export function difference(expected: unknown, actual: unknown): string {
  if (typeof expected === 'function') {
    const name = expected.name === '' ? 'the test for it' : `"${expected.name}"`;
    return `${name} does not hold for\n${whole(actual)}`;
  }
  const [wanted, found] = [whole(expected), whole(actual)];
  if (!wanted.includes('\n') && !found.includes('\n')) return `expected ${wanted}\nfound    ${found}`;
  return `- expected  + found\n${lineDifference(wanted.split('\n'), found.split('\n')).join('\n')}`;
}

function whole(value: unknown): string {
  const options = { depth: Number.POSITIVE_INFINITY, sorted: true, maxArrayLength: 1_000, maxStringLength: 10_000 };
  const line = inspect(value, { ...options, breakLength: Number.POSITIVE_INFINITY, compact: true });
  return line.length <= 80 ? line : inspect(value, { ...options, breakLength: 80, compact: false });
}

/** Two lists of lines as one: `-` only in the first, `+` only in the second (by their longest common part). */
export function lineDifference(first: readonly string[], second: readonly string[]): string[] {
  const common: number[][] = Array.from({ length: first.length + 1 }, () => Array(second.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = first.length - 1; i >= 0; i--) {
    for (let j = second.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row !== undefined)
        row[j] = first[i] === second[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const result: string[] = [];
  let i = 0;
  let j = 0;
  while (i < first.length || j < second.length) {
    if (i < first.length && j < second.length && first[i] === second[j]) {
      result.push(`  ${first[i++]}`);
      j++;
    } else if (i < first.length && (j >= second.length || at(i + 1, j) >= at(i, j + 1))) result.push(`- ${first[i++]}`);
    else result.push(`+ ${second[j++]}`);
  }
  return result;
}

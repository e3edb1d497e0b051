/** Terms: their order, and how they are written. */
import type { Term } from '../../transport/log/index.ts';

export function termText({ incarnation, counter }: Term): string {
  return `${incarnation}.${counter}`;
}

export function newerTerm(a: Term, b: Term): boolean {
  return a.incarnation > b.incarnation || (a.incarnation === b.incarnation && a.counter > b.counter);
}

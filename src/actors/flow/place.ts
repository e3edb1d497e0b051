/** Where in a flow something happened, as its developer would say it: stage, operation, line of code. */
import type { Op } from './operation.ts';

/** Frames below this directory are the engine's own. */
const engine = new URL('../../', import.meta.url).pathname;

/** Labels are a developer's, and stand in the head of the flow: they are cut where they would be no place any more. */
const maxLabel = 200;

/** `stage settle, step "book", at /app/flows/buy.ts:31:17`; as much of it as is known. */
export function placeOf(stage: string, op: Op | undefined, thrown: unknown): string {
  const parts = [`stage ${stage.slice(0, maxLabel)}`];
  if (op !== undefined) parts.push(op.label === '' ? op.op : `${op.op} "${op.label.slice(0, maxLabel)}"`);
  const frame = thrown instanceof Error ? frameOf(thrown) : undefined;
  if (frame !== undefined) parts.push(`at ${frame.slice(0, 1_000)}`);
  return parts.join(', ');
}

/** `step "book"` */
export function opText({ op, label }: Pick<Op, 'op' | 'label'>): string {
  return `${op} "${label}"`;
}

/** The first line of a developer's code in a stack. */
export function frameOf({ stack }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined;
  for (const line of stack.split('\n')) {
    const place = /(?:file:\/\/)?(\/[^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place !== undefined && !place.startsWith(engine) && !place.includes('/node_modules/')) return place;
  }
  return undefined;
}

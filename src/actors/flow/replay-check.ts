/**
 * The continuous replay check: at a suspension, and where a stage ends, a dry run over the record must have asked for the
 * same things and come to the same place. Code that does not is found in its first test, and not after a restart.
 */
import { WeirError } from '../../errors/index.ts';
import { encodeValue } from '../../persistence/index.ts';
import { type DryRun, dryRun, endText, mismatch } from './dry-run.ts';
import type { FlowInstance } from './instance.ts';
import type { Op } from './operation.ts';
import { isBecome, isFailed } from './outcome.ts';
import type { StageEnd, StageRun } from './stage-run.ts';

/** Operations and outcomes of a visit up to which every suspension is checked; beyond them at growing intervals. */
const everyUpTo = 128;
/** How much longer a record has to be than at the last check. */
const growth = 1.25;

/** What is wrong with the flow's code; undefined when nothing is, or when the check is not due. */
export function replayCheck(flow: FlowInstance, run: StageRun, end: StageEnd): WeirError | undefined {
  const { head, code: definition } = flow;
  const code = definition?.stages[head.stage];
  if (definition === undefined || code === undefined || !isDue(flow, run)) return undefined;
  const { stage, state } = head;
  const dry = dryRun(flow, { definition, code, stage, state });
  const index = firstDifference(run, dry.run);
  const wrong =
    index === undefined
      ? (mismatch(flow, dry) ?? otherEnd(run, end, dry.end))
      : { index, ...difference(index, { run, end }, dry) };
  return wrong === undefined ? undefined : new WeirError('WEIR_FLOW_DIVERGED', { flow: head.flow, ...wrong });
}

/** The cost of all checks of a visit stays within a few times that of one. */
function isDue(flow: FlowInstance, run: StageRun): boolean {
  const length = run.next + flow.nextOrder();
  // A flow that is looked at again and has done nothing since would only come to the same place again.
  if (length === flow.checked || (length > everyUpTo && length < flow.checked * growth)) return false;
  flow.checked = length;
  return true;
}

function firstDifference(live: StageRun, dry: StageRun): number | undefined {
  for (let index = 0; index < Math.max(live.next, dry.next); index++) {
    const [one, other] = [live.asked.at(index), dry.asked.at(index)];
    if (one === undefined || other === undefined || !alike(one, other)) return index;
  }
  return undefined;
}

/** Whether two operations ask for the same thing; what a step does is not looked at. */
function alike(one: Op, other: Op): boolean {
  return Object.entries(one).every(([key, value]: [string, unknown]) => {
    const second: unknown = Reflect.get(other, key);
    if (value instanceof Uint8Array) return second instanceof Uint8Array && Buffer.compare(value, second) === 0;
    return typeof value === 'object' || typeof value === 'function' || value === second;
  });
}

function difference(index: number, live: DryRun, dry: DryRun): { readonly found: string; readonly expected: string } {
  const [one, other] = [live.run.asked.at(index), dry.run.asked.at(index)];
  const same = one !== undefined && one.op === other?.op && one.label === other.label;
  return { found: `${textOf(index, dry)}${same ? ' with other contents' : ''}`, expected: textOf(index, live) };
}

function textOf(index: number, { run, end }: DryRun): string {
  return run.asked.at(index) === undefined ? endText(end) : run.asked.text(index);
}

function otherEnd({ next: index }: StageRun, live: StageEnd, dry: StageEnd) {
  if (live.type === dry.type && (live.type !== 'returned' || dry.type !== 'returned' || sameValue(live, dry))) {
    return undefined;
  }
  const other = live.type === dry.type ? 'the end of the stage, with another outcome,' : endText(dry);
  return { index, found: other, expected: endText(live) };
}

function sameValue(
  { value: one }: { readonly value: unknown },
  { value: other }: { readonly value: unknown },
): boolean {
  const [bytes, others] = [bytesOf(one), bytesOf(other)];
  // What cannot be kept at all is for the engine to tell.
  return bytes === undefined || (others !== undefined && Buffer.compare(bytes, others) === 0);
}

function bytesOf(value: unknown): Uint8Array | undefined {
  const plain = isBecome(value) ? [value.stage, value.state] : isFailed(value) ? [value.code, value.details] : value;
  try {
    return encodeValue(plain, 'an outcome');
  } catch {
    return undefined;
  }
}

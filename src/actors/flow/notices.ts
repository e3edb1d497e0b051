/** Operations that have to do with people outside: signals that a flow reads, reports that it makes. */
import { encodeValue } from '../../persistence/index.ts';
import type { ChangeSet } from '../shard/index.ts';
import type { Parked } from './branch.ts';
import { openEntry, type Resume } from './entries.ts';
import { platformFault } from './faults.ts';
import { type FlowInstance, unreadKey } from './instance.ts';
import { record, recordDone, recordFailed } from './journal.ts';
import type { Op } from './operation.ts';

/** Reports that a flow keeps; watchers see a gap in their numbers when they come later than that. */
const maxReports = 20;
const maxDetailBytes = 8 * 1024;

const noBytes = new Uint8Array();

/** Signals stand among the messages that a flow has not read, in the session of this name. */
export const signalSession = '';

/** Gives the flow the next signal that it asks for. */
export function readSignal(
  flow: FlowInstance,
  parked: Parked,
  { label, names, withinMs }: Extract<Op, { op: 'signal' }>,
  now: number,
  changes: ChangeSet,
): Resume | undefined {
  const { index } = parked;
  const place = flow.unread.findIndex(
    ({ session, type }) => session === signalSession && (names.length === 0 || names.includes(type)),
  );
  const [signal] = place < 0 ? [] : flow.unread.splice(place, 1);
  if (signal !== undefined) {
    if (signal.stored) changes.remove(unreadKey(flow.id, signal.place));
    flow.dirty = true;
    return recordDone(flow, parked, encodeValue([signal.type, signal.body], 'a signal'), changes);
  }
  const entry = flow.journal[index];
  const due = entry?.due ?? (withinMs === undefined ? 0 : now + withinMs);
  if (due > 0 && due <= now) return recordDone(flow, parked, encodeValue([], 'a timeout'), changes);
  if (entry === undefined) record(flow, index, { ...openEntry(parked), due }, changes);
  parked.wait = { what: 'signal', label, due: due === 0 ? undefined : due };
  return undefined;
}

/** Keeps a report on how far the flow has come; the caller publishes the flow's status. */
export function report(
  flow: FlowInstance,
  parked: Parked,
  { label, details }: Extract<Op, { op: 'progress' }>,
  now: number,
  changes: ChangeSet,
): Resume {
  const { head } = flow;
  if (details.length > maxDetailBytes) {
    const context = { what: 'the details of a report', flow: head.flow, bytes: details.length, limit: maxDetailBytes };
    return recordFailed(flow, parked, platformFault('WEIR_FLOW_TOO_LARGE', context), changes);
  }
  const number = (head.progress.at(-1)?.number ?? 0) + 1;
  head.progress = [...head.progress.slice(1 - maxReports), { number, at: now, text: label, details }];
  flow.dirty = true;
  return recordDone(flow, parked, noBytes, changes);
}

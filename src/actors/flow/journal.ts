/**
 * The journal of a running visit: one entry for each operation, written as its outcome becomes known, given back at
 * replay. The next `become` drops it.
 */
import { decodeValue, type FaultRecord, type JournalEntry, journalEntry } from '../../persistence/index.ts';
import type { ChangeSet } from '../shard/index.ts';
import type { Parked } from './branch.ts';
import { openEntry, type Resume } from './entries.ts';
import { FlowError } from './faults.ts';
import { type FlowInstance, journalKey } from './instance.ts';

/** Keeps an entry; an outcome that is new gets its place in their order. */
export function record(flow: FlowInstance, index: number, entry: JournalEntry, changes: ChangeSet): void {
  const placed = entry.state === 'open' || entry.order > 0 ? entry : { ...entry, order: flow.nextOrder() };
  // Encoded first: memory must not hold what the log will not.
  const bytes = journalEntry.encode(placed);
  flow.journal[index] = placed;
  flow.ordered(placed.order);
  changes.put(journalKey(flow.id, flow.head.visit, index), bytes);
}

/** Records a result, and gives it to the flow as a restart would: made from its bytes. */
export function recordDone(flow: FlowInstance, parked: Parked, value: Uint8Array, changes: ChangeSet): Resume {
  record(flow, parked.index, { ...openEntry(parked), state: 'done', value }, changes);
  return { type: 'value', value: value.length === 0 ? undefined : decodeValue(value) };
}

/** Records a refusal, which is thrown into flow code. */
export function recordFailed(flow: FlowInstance, parked: Parked, fault: FaultRecord, changes: ChangeSet): Resume {
  record(flow, parked.index, { ...openEntry(parked), state: 'failed', fault }, changes);
  return { type: 'throw', error: new FlowError(fault) };
}

/** Takes one entry back, so that its operation is performed anew. */
export function forget(flow: FlowInstance, index: number, changes: ChangeSet): void {
  if (flow.journal[index] === undefined) return;
  changes.remove(journalKey(flow.id, flow.head.visit, index));
  if (index === flow.journal.length - 1) flow.journal.length = index;
  else flow.journal[index] = undefined;
}

/** Takes the entries from `first` on back, so that their operations are performed anew. */
export function forgetFrom(flow: FlowInstance, first: number, changes: ChangeSet): void {
  for (let index = first; index < flow.journal.length; index++) {
    if (flow.journal[index] !== undefined) changes.remove(journalKey(flow.id, flow.head.visit, index));
  }
  flow.journal.length = Math.min(flow.journal.length, first);
}

export function dropJournal(flow: FlowInstance, changes: ChangeSet): void {
  for (let index = 0; index < flow.journal.length; index++) {
    if (flow.journal[index] !== undefined) changes.remove(journalKey(flow.id, flow.head.visit, index));
  }
  flow.journal.length = 0;
  flow.ordered();
}

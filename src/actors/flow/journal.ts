/**
 * The journal of a running visit: one entry for each operation, written as its outcome becomes known, given back at
 * replay. The next `become` drops it.
 */
import { decodeValue, type FaultRecord, type JournalEntry, journalEntry } from '../../persistence/index.ts';
import type { ChangeSet } from '../shard/index.ts';
import { FlowError } from './faults.ts';
import { type FlowInstance, journalKey, type Resume } from './instance.ts';
import type { Op } from './operation.ts';

const noBytes = new Uint8Array();

/** An operation that has begun and waits for its outcome. */
export function openEntry(op: Op): JournalEntry {
  return { op: op.op, label: op.label, state: 'open', value: noBytes, fault: null, due: 0, attempts: 0 };
}

/** What a recorded outcome gives the flow; undefined while there is none. */
export function outcomeOf(entry: JournalEntry, index: number): Resume | undefined {
  if (entry.state === 'done')
    return { type: 'value', value: entry.value.length === 0 ? undefined : decodeValue(entry.value) };
  if (entry.state === 'failed' && entry.fault !== null)
    return { type: 'throw', error: new FlowError(entry.fault), entry: index };
  return undefined;
}

export function record(flow: FlowInstance, index: number, entry: JournalEntry, changes: ChangeSet): void {
  // Encoded first: memory must not hold what the log will not.
  const bytes = journalEntry.encode(entry);
  flow.journal[index] = entry;
  changes.put(journalKey(flow.id, flow.head.visit, index), bytes);
}

/** Records a result, and gives it to the flow as a restart would: made from its bytes. */
export function recordDone(flow: FlowInstance, index: number, op: Op, value: Uint8Array, changes: ChangeSet): Resume {
  const entry: JournalEntry = { ...openEntry(op), state: 'done', value };
  record(flow, index, entry, changes);
  return { type: 'value', value: value.length === 0 ? undefined : decodeValue(value) };
}

/** Records a refusal, which is thrown into flow code. */
export function recordFailed(
  flow: FlowInstance,
  index: number,
  op: Op,
  fault: FaultRecord,
  changes: ChangeSet,
): Resume {
  record(flow, index, { ...openEntry(op), state: 'failed', fault }, changes);
  return { type: 'throw', error: new FlowError(fault), entry: index };
}

/** Takes the entries from `first` on back, so that their operations are performed anew. */
export function forgetFrom(flow: FlowInstance, first: number, changes: ChangeSet): void {
  for (let index = first; index < flow.journal.length; index++) {
    if (flow.journal[index] !== undefined) changes.remove(journalKey(flow.id, flow.head.visit, index));
  }
  flow.journal.length = Math.min(flow.journal.length, first);
}

export function dropJournal(flow: FlowInstance, changes: ChangeSet): void {
  for (const [index, entry] of flow.journal.entries()) {
    if (entry !== undefined) changes.remove(journalKey(flow.id, flow.head.visit, index));
  }
  flow.journal.length = 0;
}

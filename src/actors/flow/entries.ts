/** What an entry of a journal stands for: an operation that waits, or its outcome, and where that stands among others. */
import { decodeValue, type JournalEntry } from '../../persistence/index.ts';
import type { Parked } from './branch.ts';
import { FlowError } from './faults.ts';

const noBytes = new Uint8Array();

/** The outcome of an operation, as flow code gets it. */
export type Resume =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'throw'; readonly error: Error };

/** An operation that has begun and waits for its outcome. */
export function openEntry({ op, branch }: Pick<Parked, 'op' | 'branch'>): JournalEntry {
  return {
    op: op.op,
    label: op.label,
    state: 'open',
    value: noBytes,
    fault: null,
    due: 0,
    attempts: 0,
    until: 0,
    order: 0,
    branch: branch.parent !== undefined,
    failures: [],
  };
}

/** Where an outcome stands among the others; those that were written before there was an order came one by one. */
export function orderOf(entry: JournalEntry, index: number): number {
  return entry.order === 0 ? index : entry.order;
}

/** What a recorded outcome gives the flow; undefined while there is none. */
export function outcomeOf(entry: JournalEntry): Resume | undefined {
  if (entry.state === 'done')
    return { type: 'value', value: entry.value.length === 0 ? undefined : decodeValue(entry.value) };
  if (entry.state === 'failed' && entry.fault !== null) return { type: 'throw', error: new FlowError(entry.fault) };
  return undefined;
}

/** What is recorded at a place, as a developer would say it. */
export function entryAt(journal: ReadonlyArray<JournalEntry | undefined>, index: number): string {
  const entry = journal[index];
  return entry === undefined ? 'nothing' : `${entry.op} "${entry.label}"`;
}

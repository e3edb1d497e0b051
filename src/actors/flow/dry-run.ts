/**
 * A dry run: the record of a visit replayed on some code, with nothing performed. Whatever the record does not answer
 * waits for ever, so the run comes to a rest, or to an end, where the record ends.
 */
import { messageOf } from '../../errors/index.ts';
import { type FlowHead, flowHead, type JournalEntry, journalEntry } from '../../persistence/index.ts';
import { silentLogger } from '../../ports/index.ts';
import { stageRun } from './begin.ts';
import type { Parked } from './branch.ts';
import type { AnyFlow, UntypedStage } from './definition.ts';
import { entryAt, type Resume } from './entries.ts';
import { routingKeyOf } from './ids.ts';
import { FlowInstance, peerOf } from './instance.ts';
import type { StageDriver, StageEnd, StageRun } from './stage-run.ts';

/** What is kept of an unfinished flow. */
export interface Checkpoint {
  readonly id: string;
  readonly head: FlowHead;
  readonly journal: ReadonlyArray<JournalEntry | undefined>;
}

/** Code of a stage, and the state that it begins with. */
export interface StageStart {
  readonly definition: AnyFlow;
  readonly code: UntypedStage;
  readonly stage: string;
  readonly state: Uint8Array;
}

export interface DryRun {
  readonly run: StageRun;
  readonly end: StageEnd;
}

/** Where code left a record. */
export interface Mismatch {
  readonly index: number;
  readonly found: string;
  readonly expected: string;
}

/** @throws what the code throws when its parameters are taken apart, and WeirError `WEIR_FLOW_DEFINITION` */
export function dryRun({ id, head, journal }: Checkpoint, { definition, code, stage, state }: StageStart): DryRun {
  // Read as from the log: what the code changes is its own copy, and it sees nothing that a restart would not give it.
  const flow = new FlowInstance(routingKeyOf(id), id, flowHead.decode(flowHead.encode({ ...head, stage, state })));
  for (const [index, entry] of journal.entries()) {
    if (entry !== undefined) flow.journal[index] = journalEntry.decode(journalEntry.encode(entry));
  }
  const run = stageRun({ flow, definition, code, logger: () => silentLogger, watched: true });
  return { run, end: run.run(bystander(flow)) };
}

/** Gives sessions that are open already, and performs nothing. */
function bystander(flow: FlowInstance): StageDriver {
  return {
    perform(parked): Resume | undefined {
      const known = knownSession(flow, parked);
      if (known !== undefined) return { type: 'value', value: known };
      parked.wait = { what: 'turn', label: '', due: undefined };
      return undefined;
    },
    exhausted: () => false,
    withdrawn: () => undefined,
  };
}

function knownSession(flow: FlowInstance, { op }: Parked): string | undefined {
  if (op.op !== 'open') return undefined;
  return flow.opened({ name: op.peerName, group: op.peerGroup }, op.protocol.name, op.name)?.id;
}

/** Where a run left the record; undefined when it asked for all that is recorded, in the same order. */
export function mismatch({ id, head, journal }: Checkpoint, { run, end }: DryRun): Mismatch | undefined {
  if (end.type === 'mistake') {
    const { code, context, message } = end.error;
    if (code !== 'WEIR_FLOW_DIVERGED') return { index: run.next, found: message, expected: entryAt(journal, run.next) };
    return { index: Number(context.index), found: String(context.found), expected: String(context.expected) };
  }
  const index = unasked(journal, run);
  if (index !== undefined) return { index, found: endText(end), expected: entryAt(journal, index) };
  const opened = head.sessions.find((session) => {
    const place = session.role === 'initiator' ? placeIn(session.id, `${id}.${head.visit}.`) : undefined;
    return place !== undefined && place < run.next && run.asked.at(place)?.op !== 'open';
  });
  if (opened === undefined) return undefined;
  const expected = `open "${opened.protocol} ${peerOf(opened).name}"`;
  const place = placeIn(opened.id, `${id}.${head.visit}.`) ?? 0;
  return { index: place, found: run.asked.text(place), expected };
}

/** Place of the first recorded operation that a run which has come to its end, or to a rest, did not ask for. */
export function unasked(journal: Checkpoint['journal'], run: StageRun): number | undefined {
  const index = journal.findIndex((entry, place) => entry !== undefined && place >= run.next);
  return index < 0 ? undefined : index;
}

/** How a run ended, as what stands in the place of an operation. */
export function endText(end: StageEnd): string {
  if (end.type === 'threw') return `the error "${messageOf(end.error)}"`;
  return end.type === 'suspended' ? 'nothing but waiting' : 'the end of the stage';
}

function placeIn(id: string, prefix: string): number | undefined {
  return id.startsWith(prefix) ? Number(id.slice(prefix.length)) : undefined;
}

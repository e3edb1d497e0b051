/**
 * The hospital: what an operator can do about a STUCK flow, beside letting it try again as it is.
 * A correction changes the checkpoint and nothing else; the flow then goes on from there like any other.
 */
import { WeirError } from '../../errors/index.ts';
import { canonicalBytes, decodeValue, encodeValue, type JournalEntry } from '../../persistence/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import { type ActDetails, kept } from './acts.ts';
import { issuesOf } from './context.ts';
import type { Correction } from './correction.ts';
import type { Checkpoint } from './dry-run.ts';
import type { FlowInstance } from './instance.ts';
import { dropJournal, forget, forgetFrom, record } from './journal.ts';
import { checkSize } from './limits.ts';

type Recorded = Pick<Checkpoint, 'head' | 'journal'>;

/**
 * Corrects the checkpoint of a STUCK flow, and says what it was before and is then.
 * @throws WeirError `WEIR_FLOW_STATE_INVALID`, `WEIR_FLOW_NOTHING_TO_SKIP`, `WEIR_VALUE_UNSUPPORTED`,
 *   `WEIR_FLOW_TOO_LARGE`; nothing is changed then
 */
export function correct(host: ShardHost, flow: FlowInstance, correction: Correction, changes: ChangeSet): ActDetails {
  switch (correction.type) {
    case 'retry':
      return retry(flow, changes);
    case 'edit':
      return edit(host, flow, correction.state, changes);
    case 'skip':
      return skip(host, flow, correction.result, changes);
  }
}

/** Place of the operation that put the flow here: its error came back uncaught, or it is out of attempts; -1 for none. */
export function failedAt({ head, journal }: Recorded): number {
  if (head.faultEntry >= 0) return head.faultEntry;
  const last = journal.at(-1);
  return last?.op === 'step' && last.state === 'open' ? journal.length - 1 : -1;
}

/** Operations from this place on were made because of the failure. */
function afterFailure({ head, journal }: Recorded, place: number): number {
  if (head.faultNext >= 0) return head.faultNext;
  // A step without attempts left has not told anybody yet; what other branches did has nothing to do with it.
  return journal[place]?.state === 'open' ? journal.length : place + 1;
}

/** A STUCK flow as it goes on when it is tried again as it is. */
export function retried(checkpoint: Checkpoint): Checkpoint {
  const place = failedAt(checkpoint);
  if (place < 0) return checkpoint;
  const left = checkpoint.journal.slice(0, afterFailure(checkpoint, place));
  return { ...checkpoint, journal: left.map((entry, index) => (index === place ? undefined : entry)) };
}

/** What other branches have done stays done. */
function retry(flow: FlowInstance, changes: ChangeSet): ActDetails {
  const place = failedAt(flow);
  if (place < 0) return {};
  const entry = flow.journal[place];
  forgetFrom(flow, afterFailure(flow, place), changes);
  forget(flow, place, changes);
  return entry === undefined ? {} : { subject: nameOf(entry) };
}

function edit(host: ShardHost, flow: FlowInstance, state: unknown, changes: ChangeSet): ActDetails {
  const { head, definition } = flow;
  const versions = definition === undefined ? [] : [definition, ...definition.previous];
  const code = versions.find(({ states }) => Object.hasOwn(states, head.stage));
  const parsed = code?.states[head.stage]?.safeParse(state);
  if (code === undefined || parsed?.success !== true) {
    const why = parsed?.error === undefined ? 'the node has no code for this stage' : issuesOf(parsed.error);
    throw new WeirError('WEIR_FLOW_STATE_INVALID', { stage: head.stage, flow: head.flow, why });
  }
  const bytes = encodeValue(parsed.data, `the state of stage "${head.stage}" of flow ${head.flow}`);
  checkSize(host, head.flow, 'the state', bytes.length);
  // A new visit: what the old one sent and asked has ids of its own, and is not taken for what comes now.
  dropJournal(flow, changes);
  head.visit++;
  head.version = code.version;
  const before = kept(canonical(head.state));
  head.state = bytes;
  return { subject: `stage "${head.stage}"`, before, after: kept(canonical(bytes)) };
}

function skip(host: ShardHost, flow: FlowInstance, result: unknown, changes: ChangeSet): ActDetails {
  const place = failedAt(flow);
  const entry = flow.journal[place];
  if (entry === undefined) throw new WeirError('WEIR_FLOW_NOTHING_TO_SKIP', { flowId: flow.id });
  const value = encodeValue(result, `the result given for ${nameOf(entry)}`);
  checkSize(host, flow.head.flow, 'the result', value.length);
  forgetFrom(flow, afterFailure(flow, place), changes);
  record(flow, place, { ...entry, state: 'done', value, fault: null, due: 0 }, changes);
  return { subject: nameOf(entry), after: kept(canonical(value)) };
}

/** `step "book"` */
export function nameOf({ op, label }: JournalEntry): string {
  return `${op} "${label}"`;
}

/** The same bytes for the same value, however it came about. */
function canonical(bytes: Uint8Array): Uint8Array {
  return canonicalBytes(decodeValue(bytes));
}

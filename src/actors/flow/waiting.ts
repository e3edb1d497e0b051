/** What a flow that was restored waits on, as far as its checkpoint alone can say. */
import type { FlowHead, JournalEntry } from '../../persistence/index.ts';
import { type FlowInstance, talkWith } from './instance.ts';
import type { WaitingOn } from './protocol.ts';
import { codeWanted } from './versions.ts';

/** For a worker that has its code. */
export function codeWait(head: FlowInstance['head']): WaitingOn {
  return { what: 'code', label: codeWanted(head), due: undefined };
}

/** What an operation that is open in the journal waits on. */
const patient: Readonly<Record<string, WaitingOn['what']>> = { sleep: 'sleep', ask: 'answer', signal: 'signal' };

/** What of a flow says whether it waits. */
export interface Waiting {
  readonly head: Pick<FlowHead, 'cancel' | 'sessions'>;
  readonly journal: ReadonlyArray<Pick<JournalEntry, 'op' | 'label' | 'state' | 'due' | 'branch'> | undefined>;
  readonly unread: readonly unknown[];
}

/** What a restored flow waits on that need not run now; undefined when it has to, to go on or to find out. */
export function patience({ journal, unread, head }: Waiting): WaitingOn | undefined {
  const last = journal.at(-1);
  if (last?.state !== 'open' || last.op === 'step' || unread.length > 0 || head.cancel !== null) return undefined;
  // Branches wait on several things, and which of them still count only the code knows.
  if (journal.some((entry) => entry?.branch === true && entry.state === 'open')) return undefined;
  if (last.op === 'receive' && head.sessions.some(({ peer }) => peer !== 'open')) return undefined;
  const session = last.op === 'receive' ? head.sessions.find(({ id }) => id === last.label) : undefined;
  return {
    what: patient[last.op] ?? 'message',
    label: session === undefined ? last.label : talkWith(session),
    due: last.due === 0 ? undefined : last.due,
  };
}

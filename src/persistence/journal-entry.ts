/** An operation of a flow's running visit. Changing it needs a migration: see docs/decisions/records.md. */
import { recordCodec } from './avro.ts';
import { type FailureRecord, failures } from './failure-record.ts';
import { bytes, choice, count, optionalFault, small, text } from './fields.ts';
import type { FaultRecord } from './flow-parts.ts';

const namespace = 'weir.state';

export const entryStates = ['open', 'done', 'failed'] as const;

/** `j/<flow>/<visit>/<n>`: one operation of the running visit. */
export interface JournalEntry {
  /** What kind of operation it was; compared at replay. */
  readonly op: string;
  /** Name given by the flow: the step's name, the message's type. Compared at replay. */
  readonly label: string;
  readonly state: (typeof entryStates)[number];
  /** Value-codec bytes of the result when done; empty otherwise. */
  readonly value: Uint8Array;
  readonly fault: FaultRecord | null;
  /** When an open operation times out or is tried again, in milliseconds since 1970; 0 for never. */
  readonly due: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** When an open step is given up, whatever it does, in milliseconds since 1970; 0 for never. */
  readonly until: number;
  /** Place of the outcome among those of the visit, which replay follows; 0 while there is none. */
  readonly order: number;
  /** It was made in a branch, beside others. */
  readonly branch: boolean;
  /** Attempts that have failed and were tried again, the newest last. */
  readonly failures: readonly FailureRecord[];
}

const journalSchema = { type: 'record', name: 'JournalEntry', namespace } as const;
const firstJournalFields = [
  text('op'),
  text('label'),
  choice('state', 'EntryState', entryStates),
  bytes('value'),
  optionalFault,
  count('due'),
  small('attempts'),
];

export const journalEntry = recordCodec<JournalEntry>(
  {
    ...journalSchema,
    fields: [
      ...firstJournalFields,
      { ...count('until'), default: 0 },
      { ...small('order'), default: 0 },
      { name: 'branch', type: 'boolean', default: false },
      failures('failures', 'Failure'),
    ],
  },
  'journal entry',
  [{ ...journalSchema, fields: firstJournalFields }],
);

/** What the world may know of a flow. Changing it needs a migration: see docs/decisions/records.md. */
import { recordCodec } from './avro.ts';
import { bytes, choice, count, optionalFault, small, text } from './fields.ts';
import {
  type ActRecord,
  actSchema,
  type FaultRecord,
  type FlowStatus,
  flowStatuses,
  type ProgressRecord,
  progressField,
} from './flow-parts.ts';

const namespace = 'weir.state';

/** A value of topic `flow.status`, keyed by flow id: what the world may know of a flow. */
export interface StatusRecord {
  readonly flow: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly clientRequestId: string;
  readonly inputHash: string;
  readonly trace: string;
  readonly status: FlowStatus;
  readonly stage: string;
  readonly created: number;
  readonly updated: number;
  readonly startedBy: string;
  /** Value-codec bytes of the result when COMPLETED; empty otherwise. */
  readonly result: Uint8Array;
  readonly fault: FaultRecord | null;
  readonly acts: readonly ActRecord[];
  /**
   * Number of the shard's commit that was being filled when this was written: among the statuses of a shard it never goes
   * back, over takeovers too, so it says what a client that comes back has not seen. 0 in records of older versions.
   */
  readonly commit: number;
  readonly progress: readonly ProgressRecord[];
}

const firstStatusFields = [
  text('flow'),
  small('version'),
  text('memberName'),
  text('memberGroup'),
  text('clientRequestId'),
  text('inputHash'),
  text('trace'),
  choice('status', 'FlowStatus', flowStatuses),
  text('stage'),
  count('created'),
  count('updated'),
  text('startedBy'),
  bytes('result'),
  optionalFault,
  { name: 'acts', type: { type: 'array', items: actSchema } },
];

export const statusRecord = recordCodec<StatusRecord>(
  {
    type: 'record',
    name: 'Status',
    namespace,
    fields: [...firstStatusFields, { ...count('commit'), default: 0 }, progressField],
  },
  'flow status',
  [{ type: 'record', name: 'Status', namespace, fields: firstStatusFields }],
);

/** What the head of a flow and its published status have in common: how it stands, what was done to it, how far it is. */
import { bytes, count, small, text } from './fields.ts';

export const flowStatuses = ['RUNNING', 'STUCK', 'COMPLETED', 'FAILED', 'KILLED'] as const;
export type FlowStatus = (typeof flowStatuses)[number];

/** RUNNING and STUCK can change; the other three never do (RP10). */
export function isTerminal(status: FlowStatus): boolean {
  return status !== 'RUNNING' && status !== 'STUCK';
}

/** An error as it is kept: enough to show it, and to throw it again in replay. */
export interface FaultRecord {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** Value-codec bytes of the error's `details`, or empty. */
  readonly details: Uint8Array;
  /** Where it came from, for an operator; empty when there is no stack. */
  readonly stack: string;
  /** What can be done about it; empty when nobody knows. */
  readonly remedy: string;
  /** Stage, operation and line of code; empty when it did not come from a flow. */
  readonly at: string;
}

/** An operator's or client's act on a flow: who, when, what and why (SM5). */
export interface ActRecord {
  readonly at: number;
  readonly act: string;
  readonly principal: string;
  readonly reason: string;
}

export const actSchema = {
  type: 'record',
  name: 'Act',
  fields: [count('at'), text('act'), text('principal'), text('reason')],
};

/** A report of a flow on how far it has come. */
export interface ProgressRecord {
  /** From 1, in each flow. */
  readonly number: number;
  readonly at: number;
  readonly text: string;
  /** Value-codec bytes, or empty. */
  readonly details: Uint8Array;
}

export const progressField = {
  name: 'progress',
  type: {
    type: 'array',
    items: {
      type: 'record',
      name: 'Progress',
      fields: [small('number'), count('at'), text('text'), bytes('details')],
    },
  },
  default: [],
};

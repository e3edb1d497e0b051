/** Failures as the records of a flow remember them, for an operator: when, and in a sentence; the newest ones. */
import { count, text } from './fields.ts';

export interface FailureRecord {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly code: string;
  readonly message: string;
  /** Stage, operation and line of code; empty where the record that remembers it says so. */
  readonly place: string;
}

/** A list of them in a record that had none before. */
export const failures = (name: string, typeName: string) => ({
  name,
  type: {
    type: 'array',
    items: { type: 'record', name: typeName, fields: [count('at'), text('code'), text('message'), text('place')] },
  },
  default: [],
});

const maxRemembered = 10;
const maxMessage = 500;

/** The failures so far and one more; the oldest are forgotten. */
export function withFailure(former: readonly FailureRecord[], failure: FailureRecord): readonly FailureRecord[] {
  const { message } = failure;
  const short = message.length <= maxMessage ? message : `${message.slice(0, maxMessage - 1)}…`;
  return [...former.slice(1 - maxRemembered), { ...failure, message: short.toWellFormed() }];
}

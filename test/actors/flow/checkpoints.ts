/** Heads and entries of flows for tests that look at their records. */
import type { FlowHead, JournalEntry } from '../../../src/persistence/index.ts';

export const flowKey = 'a'.repeat(24);
export const flowId = `${flowKey}-zz9`;

export function headOf(parts: Partial<FlowHead> = {}): FlowHead {
  return {
    ...{ flow: 'buy', version: 1, memberName: 'A', memberGroup: 'default', clientRequestId: 'r', inputHash: '' },
    ...{ trace: flowId, created: 1, status: 'RUNNING', updated: 2, stage: 'start', visit: 3, sessions: [] },
    ...{ nextInbox: 0, retries: 0, acts: [], fault: null, faultEntry: -1, faultNext: -1, cancel: null, mark: null },
    ...{ progress: [], expires: 0, stays: [], state: new Uint8Array(), ...parts },
  };
}

export function entryOf(op: JournalEntry['op'], parts: Partial<JournalEntry> = {}): JournalEntry {
  return {
    ...{ op, label: 'it', state: 'open', value: new Uint8Array(), fault: null, due: 0, attempts: 0 },
    ...{ until: 0, order: 0, branch: false, failures: [], ...parts },
  };
}

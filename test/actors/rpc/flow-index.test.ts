import { describe, expect, it } from 'vitest';
import { FlowIndex } from '../../../src/actors/rpc/flow-index.ts';
import { statusRecord } from '../../../src/persistence/index.ts';

const flowId = `${'a'.repeat(24)}-1`;

function put(index: FlowIndex, status: 'RUNNING' | 'COMPLETED', commit: number): boolean {
  const record = {
    ...{ flow: 'buy', version: 1, memberName: 'ACME', memberGroup: 'default', clientRequestId: 'r', inputHash: '' },
    ...{ trace: '', stage: 'start', created: 1, updated: 1, startedBy: '', fault: null, acts: [], progress: [] },
    ...{ status, commit, result: new Uint8Array() },
  };
  return index.put(flowId, statusRecord.encode(record), record);
}

describe('what is known of flows', () => {
  it('RP10 is not changed by an older status, which an owner that takes over may tell again', () => {
    const index = new FlowIndex(8);
    expect([put(index, 'RUNNING', 3), put(index, 'COMPLETED', 3), put(index, 'RUNNING', 2)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(index.get(flowId)?.status).toBe('COMPLETED');
    expect(index.lastChange).toBe(2);
  });
});

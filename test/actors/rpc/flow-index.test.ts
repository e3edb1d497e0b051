import { describe, expect, it } from 'vitest';
import { FlowIndex } from '../../../src/actors/rpc/flow-index.ts';
import { statusRecord } from '../../../src/persistence/index.ts';

const flowId = `${'a'.repeat(24)}-1`;

function put(index: FlowIndex, status: 'RUNNING' | 'COMPLETED', commit: number, id = flowId): boolean {
  const record = {
    ...{ flow: 'buy', version: 1, memberName: 'ACME', memberGroup: 'default', clientRequestId: 'r', inputHash: '' },
    ...{ trace: '', stage: 'start', created: 1, updated: 1, startedBy: '', fault: null, acts: [], progress: [] },
    ...{ status, commit, result: new Uint8Array() },
  };
  return index.put(id, statusRecord.encode(record), record);
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

  it('SM15 tells a flow from a newer one of the same request, whichever of them leaves first', () => {
    const [key, newer] = ['a'.repeat(24), `${'a'.repeat(24)}-2`];
    for (const [first, second] of [
      [flowId, newer],
      [newer, flowId],
    ] as const) {
      const index = new FlowIndex(8);
      put(index, 'COMPLETED', 1);
      put(index, 'RUNNING', 2, newer);
      expect([index.size, index.byRoutingKey(key)]).toEqual([2, newer]);
      expect([index.get(flowId)?.status, index.get(newer)?.status]).toEqual(['COMPLETED', 'RUNNING']);
      index.remove(first);
      expect([index.size, index.get(first)]).toEqual([1, undefined]);
      expect(index.get(second)?.status).toBe(second === newer ? 'RUNNING' : 'COMPLETED');
      expect(index.byRoutingKey(key)).toBe(second === newer ? newer : undefined);
      index.remove(second);
      expect([index.size, index.get(second)]).toEqual([0, undefined]);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { FlowIndex } from '../../../src/actors/rpc/flow-index.ts';
import { statusRecord } from '../../../src/persistence/index.ts';

const flowId = `${'a'.repeat(24)}-1`;

function recordOf(status: 'RUNNING' | 'COMPLETED', commit: number) {
  return {
    ...{ flow: 'buy', version: 1, memberName: 'ACME', memberGroup: 'default', clientRequestId: 'r', inputHash: '' },
    ...{ trace: '', stage: 'start', created: 1, updated: 1, startedBy: '', fault: null, acts: [], progress: [] },
    ...{ status, commit, result: new Uint8Array() },
  };
}

function put(index: FlowIndex, status: 'RUNNING' | 'COMPLETED', commit: number, id = flowId): boolean {
  const record = recordOf(status, commit);
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

  it('keeps a status byte for byte, and the statuses that a flow was seen in', () => {
    const index = new FlowIndex(8);
    put(index, 'RUNNING', 1);
    const bytes = statusRecord.encode({
      ...recordOf('COMPLETED', 2),
      result: Uint8Array.from({ length: 256 }, (_, n) => n),
    });
    index.put(flowId, bytes, recordOf('COMPLETED', 2));
    const flow = index.find(flowId);
    expect(flow?.bytes).toEqual(Buffer.from(bytes));
    expect([flow?.flowId, flow?.size, flow?.status, flow?.commit]).toEqual([flowId, bytes.length, 'COMPLETED', 2]);
    expect([flow?.was('RUNNING'), flow?.was('COMPLETED'), flow?.was('STUCK')]).toEqual([true, true, false]);
    expect([index.has(flowId), index.has(`${flowId}0`), index.has(flowId.slice(0, -1))]).toEqual([true, false, false]);
  });

  it('W7 forgets flows without a trace, also behind one that stays, and pages go on where they were', () => {
    const index = new FlowIndex(8);
    const id = (n: number): string => `${String(n).padStart(24, '0')}-1`;
    put(index, 'RUNNING', 1, id(0));
    for (let n = 1; n <= 5_000; n++) put(index, 'COMPLETED', 1, id(n));
    const page = { status: undefined, matches: () => true, limit: 10 };
    const { next } = index.list({ ...page, before: undefined });
    for (let n = 1; n <= 4_900; n++) index.remove(id(n));
    expect(index.size).toBe(101);
    expect(index.places).toBeLessThan(2_200);
    expect(index.list({ ...page, before: next }).flows.map(({ flowId }) => flowId)).toEqual(
      Array.from({ length: 10 }, (_, n) => id(4_990 - n)),
    );
    const running = index.list({ ...page, status: 'RUNNING', before: next });
    expect(running).toMatchObject({ flows: [{ flowId: id(0) }], next: undefined });
  });
});

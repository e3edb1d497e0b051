import { describe, expect, it } from 'vitest';
import { acceptedFlowsExist } from '../../../../src/testing/simulation/invariants/accepted-flows-exist.ts';
import { flowId, History, headBytes } from './history.ts';

const records = { [`c/${flowId}`]: headBytes() };

function accepted(history: History): History {
  return history.tell({ type: 'client', what: 'accepted', id: 'order', text: `buy of ACME as ${flowId}` });
}

describe('accepted flows', () => {
  it('TK5 says nothing of one that is durable, or whose status is seen, or was there when a worker began', () => {
    expect(accepted(new History(acceptedFlowsExist()).commits({ records })).violations).toEqual([]);
    const seen = new History(acceptedFlowsExist());
    seen.tell({ type: 'published', topic: 'flow.status', key: flowId, value: undefined });
    expect(accepted(seen).violations).toEqual([]);
    const found = new History(acceptedFlowsExist());
    found.tell({ type: 'snapshot', topic: 'flow.status', entries: new Map([[flowId, new Uint8Array()]]) });
    expect(accepted(found).violations).toEqual([]);
  });

  it('TK5 finds one whose commit is only on its way', () => {
    const history = new History(acceptedFlowsExist());
    history.sends({ records });
    expect(accepted(history).violations).toEqual([expect.stringContaining('which is not durable')]);
  });

  it('TK5 finds one that is not there where the client was told of it', () => {
    const history = new History(acceptedFlowsExist());
    history.tell({ type: 'client', what: 'missed', id: 'order', text: 'buy of ACME' });
    expect(history.violations).toEqual([expect.stringContaining('does not know it')]);
  });
});

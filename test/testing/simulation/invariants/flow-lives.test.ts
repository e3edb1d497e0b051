import { describe, expect, it } from 'vitest';
import type { FlowHead } from '../../../../src/persistence/index.ts';
import { flowLives } from '../../../../src/testing/simulation/invariants/flow-lives.ts';
import { flowId, History, head, headBytes, routingKey } from './history.ts';

/** Heads as commits write them, each with its status. */
function lived(...heads: ReadonlyArray<Partial<FlowHead>>): History {
  const history = new History(flowLives());
  for (const parts of heads) {
    history.commits({ records: { [`c/${flowId}`]: headBytes(parts) }, statuses: [[flowId, head(parts)]] });
  }
  return history;
}

describe('lives of flows', () => {
  it('TK5 says nothing of a flow that goes forward, ends and is forgotten', () => {
    const history = lived({}, { visit: 1, stage: 'settle' }, { visit: 1, stage: 'settle', status: 'COMPLETED' });
    history.commits({ records: { [`c/${flowId}`]: null } });
    expect(history.violations).toEqual([]);
  });

  it.each<[string, Partial<FlowHead>, Partial<FlowHead>]>([
    ['it was COMPLETED', { status: 'COMPLETED' }, { status: 'KILLED' }],
    ['went back from visit 2 to 1', { visit: 2 }, { visit: 1 }],
    ['goes on with visit 0', {}, { stage: 'settle' }],
    ['its state changed', {}, { state: new Uint8Array([1]) }],
    ['counted 2 retries', { retries: 2 }, { retries: 1 }],
  ])('TK5 finds a flow of which is said: %s', (said, before, after) => {
    expect(lived(before, after).violations).toEqual([expect.stringContaining(said)]);
  });

  it('TK5 finds two flows for one request, and an id that is used again', () => {
    const two = lived({});
    const other = `${routingKey}-2`;
    two.commits({ records: { [`c/${other}`]: headBytes() }, statuses: [[other, head()]] });
    expect(two.violations).toEqual([expect.stringContaining(`was started for what ${flowId} is there for`)]);

    const again = lived({ status: 'COMPLETED' });
    again.commits({ records: { [`c/${flowId}`]: null } });
    again.commits({ records: { [`c/${flowId}`]: headBytes() }, statuses: [[flowId, head()]] });
    expect(again.violations).toEqual([expect.stringContaining('is used again')]);
  });

  it('TK5, RP4 finds a status whose number is below one that came before', () => {
    const history = new History(flowLives());
    const running = head();
    const other = `${'b'.repeat(24)}-1`;
    const records = { [`c/${flowId}`]: headBytes(), [`c/${other}`]: headBytes() };
    history.commits({
      records,
      statuses: [
        [flowId, running, 3],
        [other, running, 3],
      ],
    });
    expect(history.violations).toEqual([]);
    history.commits({ records: { [`c/${flowId}`]: headBytes() }, statuses: [[flowId, running, 2]] });
    expect(history.violations).toEqual([expect.stringContaining('its status has number 2, and 3 came before')]);
  });

  it('TK5 finds a flow that is forgotten before it has ended', () => {
    const history = lived({});
    history.commits({ records: { [`c/${flowId}`]: null } });
    expect(history.violations).toEqual([expect.stringContaining('was forgotten while RUNNING')]);
  });

  it('TK5 finds statuses that do not say how a commit leaves a flow', () => {
    const stuck = head({ status: 'STUCK', updated: 2 });
    const history = new History(flowLives());
    history.commits({
      records: { [`c/${flowId}`]: headBytes({ status: 'STUCK', updated: 2 }) },
      statuses: [
        [flowId, stuck],
        [flowId, head()],
      ],
    });
    expect(history.violations).toEqual([expect.stringContaining('it is STUCK in start, and RUNNING in start is told')]);

    const untold = new History(flowLives()).commits({ records: { [`c/${flowId}`]: headBytes() } });
    expect(untold.violations).toEqual([expect.stringContaining('and nothing is told')]);

    const unwritten = new History(flowLives()).commits({ statuses: [[flowId, head()]] });
    expect(unwritten.violations).toEqual([expect.stringContaining('its head is not written')]);
  });
});

import { describe, expect, it } from 'vitest';
import { journals } from '../../../../src/testing/simulation/invariants/journals.ts';
import { entry, flowId, History, headBytes } from './history.ts';

const key = `j/${flowId}/0/0`;
const flow = `c/${flowId}`;
const one = new Uint8Array([1]);

function begun(): History {
  return new History(journals()).commits({ records: { [flow]: headBytes(), [key]: entry({ state: 'open' }) } });
}

describe('journals', () => {
  it('TK5 says nothing of operations that are done once, dropped at the next visit, and tried again by an operator', () => {
    const history = begun().commits({ records: { [key]: entry() } });
    history.commits({ records: { [key]: entry({ state: 'open' }), [flow]: headBytes({ retries: 1 }) } });
    history.commits({ records: { [key]: null, [flow]: headBytes({ retries: 1, visit: 1 }) } });
    expect(history.violations).toEqual([]);
  });

  it('TK5 finds an operation that is done again', () => {
    const history = begun().commits({ records: { [key]: entry() } });
    history.commits({ records: { [key]: entry({ value: one }) } });
    expect(history.violations).toEqual([`${key}: it was done, and is written again`]);
  });

  it('TK5 finds what is written to another visit than the one that runs', () => {
    const history = begun().commits({ records: { [key]: null, [flow]: headBytes({ visit: 1 }) } });
    history.commits({ records: { [key]: entry() } });
    expect(history.violations).toEqual([`${key}: its flow is in visit 1`]);
  });

  it('TK5 finds a journal that outlives its visit, or its flow', () => {
    const visited = begun().commits({ records: { [flow]: headBytes({ visit: 1 }) } });
    expect(visited.violations).toEqual([`${key} outlives its visit`]);
    const ended = begun().commits({ records: { [flow]: headBytes({ status: 'COMPLETED' }) } });
    expect(ended.violations).toEqual([`${key} outlives its visit`]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Happening } from '../../../../src/testing/simulation/events.ts';
import { oneWriter } from '../../../../src/testing/simulation/invariants/one-writer.ts';
import { History, shard, taken } from './history.ts';

function claimed(counter: number): Happening {
  return { type: 'claimed', shard: { topic: 'flow.state', partition: 0 }, term: { incarnation: 1, counter } };
}

describe('one writer', () => {
  it('TK5 says nothing while each term is given once and older ones write no more', () => {
    const history = new History(oneWriter());
    history.tell(claimed(1)).commits({ term: 1, records: { shard: shard(1), 'w/log': taken(3) } });
    history.tell(claimed(2), 'worker-1').commits({ term: 2, records: { shard: shard(2), 'w/log': taken(3) } });
    expect(history.violations).toEqual([]);
  });

  it('TK5 finds a term that is given twice', () => {
    const history = new History(oneWriter());
    history.tell(claimed(1)).tell(claimed(1), 'worker-1');
    expect(history.violations).toEqual([expect.stringContaining('term 1.1 was given to worker-0 and to worker-1')]);
  });

  it('TK5 finds a commit of an older term that is taken after a newer one was given', () => {
    const history = new History(oneWriter());
    history.tell(claimed(1)).tell(claimed(2), 'worker-1').commits({ term: 1 });
    expect(history.violations).toEqual([expect.stringContaining('was taken after term 1.2 was given')]);
  });

  it('TK5 forgives a late answer to what was sent before', () => {
    const history = new History(oneWriter());
    history.tell(claimed(1));
    const sent = history.sends({ term: 1 });
    history.tell(claimed(2), 'worker-1').tell({ type: 'durable', ...sent });
    expect(history.violations).toEqual([]);
  });

  it('TK5 finds a commit that is missing, and a position that goes back', () => {
    const history = new History(oneWriter());
    history.commits({ records: { shard: shard(1), 'w/log': taken(9) } });
    history.commits({ records: { shard: shard(3), 'w/log': taken(8) } });
    expect(history.violations).toEqual([
      expect.stringContaining('the position went back from 9 to 8'),
      expect.stringContaining('commit 3 of term 1.1 follows commit 1'),
    ]);
  });
});

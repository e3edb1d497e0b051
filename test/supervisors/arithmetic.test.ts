import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';
import { backoffMs } from '../../src/supervisors/backoff.ts';
import { restartBudget } from '../../src/supervisors/budget.ts';
import { cycleIn, dependentsOf, startOrder } from '../../src/supervisors/domino.ts';

describe('restart budget', () => {
  it('AK6 forgets failures older than the window', () => {
    const budget = restartBudget({ max: 1, withinMs: 1_000 });
    budget.record(0);
    expect(budget.record(1_500)).toEqual({ type: 'restart', attempt: 1 });
  });

  it('AK6 is exhausted by the failure after the last restart allowed', () => {
    const budget = restartBudget({ max: 2, withinMs: 1_000 });
    expect([budget.record(0).type, budget.record(1).type, budget.record(2).type]).toEqual([
      'restart',
      'restart',
      'exhausted',
    ]);
  });

  it('AK6 a budget of 0 never restarts', () => {
    expect(restartBudget({ max: 0, withinMs: 1_000 }).record(0)).toEqual({ type: 'exhausted' });
  });
});

describe('backoff', () => {
  it('AK6 doubles from min to max', () => {
    const settings = { minMs: 100, maxMs: 1_000, jitter: 0 };
    const delays = [1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(settings, attempt, seededRandom(1)));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('AK6 stays within its jitter, and differs from restart to restart', () => {
    const random = seededRandom(7);
    const delays = Array.from({ length: 200 }, () => backoffMs({ minMs: 100, maxMs: 1_000, jitter: 0.2 }, 1, random));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(80);
    expect(Math.max(...delays)).toBeLessThanOrEqual(120);
    expect(new Set(delays).size).toBeGreaterThan(20);
  });
});

describe('domino order', () => {
  it('AK11 places each child after all that it needs, whatever the list', () => {
    // A child may need only those with a smaller number: so there is no circle.
    const graph = fc
      .array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 20 })
      .map((needs) =>
        needs.map((each, n) => ({
          id: `${n}`,
          needs: [...new Set(each.filter((needed) => needed < n).map(String))],
        })),
      )
      .chain((children) => fc.shuffledSubarray(children, { minLength: children.length }));
    const property = fc.property(graph, (children) => {
      expect(cycleIn(children)).toBeUndefined();
      const order = startOrder(children);
      expect(order).toHaveLength(children.length);
      order.forEach(({ needs }, at) => {
        for (const needed of needs) expect(order.findIndex(({ id }) => id === needed)).toBeLessThan(at);
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('AK11 names the circle', () => {
    const children = [
      { id: 'a', needs: ['b'] },
      { id: 'b', needs: ['c'] },
      { id: 'c', needs: ['b'] },
    ];
    expect(cycleIn(children)).toEqual(['b', 'c', 'b']);
  });

  it('AK11 finds dependents through others', () => {
    const children = [{ id: 'a' }, { id: 'b', needs: ['a'] }, { id: 'c', needs: ['b'] }, { id: 'd' }];
    expect([...dependentsOf('a', children)]).toEqual(['b', 'c']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeOrder, type Changing } from '../../../src/actors/rpc/change-order.ts';
import { positionOf, positionText } from '../../../src/actors/rpc/feed-position.ts';
import { propertyRuns } from '../../fixtures/property-runs.ts';

interface Thing extends Changing {
  readonly name: number;
}

describe('the order of changes', () => {
  it('RP4 gives whoever follows it every thing that has changed since, once, in the order of the last changes', () => {
    const act = fc.record({ name: fc.nat({ max: 20 }), drops: fc.boolean(), reads: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { minLength: 1_500, maxLength: 3_000 }), (acts) => {
        const order = new ChangeOrder<Thing>();
        const things = new Map<number, Thing>();
        // What a naive list would have: each change, and the newest of each thing.
        let naive: Array<{ readonly name: number; readonly change: number }> = [];
        let seen = 0;
        for (const { name, drops, reads } of acts) {
          const thing = things.get(name) ?? { name, changed: 0 };
          naive = naive.filter((one) => one.name !== name);
          if (drops) {
            order.drop(thing);
            things.delete(name);
          } else {
            things.set(name, thing);
            order.touch(thing);
            naive.push({ name, change: order.last });
          }
          const expected = naive.filter(({ change }) => change > seen);
          const given = [...order.after(seen)].map(({ name, changed }) => ({ name, change: changed }));
          expect(given).toEqual(expected);
          if (reads) seen = given.at(-1)?.change ?? seen;
        }
      }),
      { numRuns: propertyRuns(20) },
    );
  });

  it('keeps no more than twice what is there, however often it changes, and whoever is behind misses nothing', () => {
    const order = new ChangeOrder<Thing>();
    const [hot, cold]: Thing[] = [
      { name: 1, changed: 0 },
      { name: 2, changed: 0 },
    ];
    if (hot === undefined || cold === undefined) throw new Error('both are there');
    order.touch(cold);
    for (let change = 0; change < 100_000; change++) order.touch(hot);
    expect(order.places).toBeLessThan(4_096);
    expect([...order.after(0)]).toEqual([cold, hot]);
    expect([...order.after(1)]).toEqual([hot]);
  });
});

describe('a position as text', () => {
  it('RP9 is read as it was written', () => {
    const position = fc.record({
      partitions: fc.integer({ min: 1, max: 1_024 }),
      at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
      commits: fc.array(fc.tuple(fc.nat({ max: 1_023 }), fc.nat({ max: 2 ** 52 }))).map((shards) => new Map(shards)),
    });
    fc.assert(
      fc.property(position, (given) => {
        const text = positionText(given);
        expect(encodeURIComponent(text)).toBe(text);
        expect(positionOf(text)).toEqual(given);
      }),
      { numRuns: propertyRuns(100) },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueHeap } from '../../../src/actors/shard/index.ts';

const dues = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200 });

function all(heap: DueHeap<string>, now: number): string[] {
  const taken: string[] = [];
  for (let thing = heap.take(now); thing !== undefined; thing = heap.take(now)) taken.push(thing);
  return taken;
}

describe('things by when they are due', () => {
  it('W6 are taken once each, the earliest first, and none before its time', () => {
    fc.assert(
      fc.property(dues, fc.integer({ min: 0, max: 1_000 }), (given, now) => {
        const heap = new DueHeap<string>();
        for (const [place, due] of given.entries()) heap.push(due, `${due} ${place}`);
        const sorted = [...given].sort((a, b) => a - b);
        expect(heap.due).toBe(sorted[0]);
        const early = all(heap, now).map((thing) => Number(thing.split(' ')[0]));
        expect(early).toEqual(sorted.filter((due) => due <= now));
        expect(heap.size).toBe(given.length - early.length);
        expect(new Set(all(heap, 1_000)).size).toBe(given.length - early.length);
        expect([heap.size, heap.due]).toEqual([0, undefined]);
      }),
    );
  });

  it('W7 keep their order when some of them are dropped', () => {
    fc.assert(
      fc.property(dues, (given) => {
        const heap = new DueHeap<string>();
        for (const due of given) heap.push(due, String(due));
        heap.keep((thing, due) => Number(thing) === due && due % 3 !== 0);
        const kept = given.filter((due) => due % 3 !== 0).sort((a, b) => a - b);
        expect(all(heap, 1_000)).toEqual(kept.map(String));
      }),
    );
  });
});

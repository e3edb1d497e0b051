import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Few } from '../../../src/actors/flow/few.ts';

const act = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key: fc.nat(4), value: fc.nat() }),
  fc.record({ type: fc.constant('delete' as const), key: fc.nat(4) }),
  fc.record({ type: fc.constant('clear' as const) }),
);

describe('a map of few entries', () => {
  it('holds what a map holds, in the same order, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(act), (acts) => {
        const few = new Few<number, number>();
        const map = new Map<number, number>();
        for (const one of acts) {
          if (one.type === 'set') {
            few.set(one.key, one.value);
            map.set(one.key, one.value);
          } else if (one.type === 'delete') {
            few.delete(one.key);
            map.delete(one.key);
          } else {
            few.clear();
            map.clear();
          }
          expect([...few.values()]).toEqual([...map.values()]);
          expect(few.size).toBe(map.size);
          for (let key = 0; key <= 4; key++) {
            expect(few.get(key)).toBe(map.get(key));
            expect(few.has(key)).toBe(map.has(key));
          }
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../../src/actors/kernel/mailbox.ts';

describe('mailbox', () => {
  it('AK1 is a queue, whatever is put in and taken out at both ends', () => {
    const act = fc.oneof(
      fc.record({
        type: fc.constant('push' as const),
        value: fc.option(fc.nat(), { nil: undefined }),
        bound: fc.boolean(),
      }),
      fc.record({ type: fc.constant('takeBound' as const) }),
      fc.record({ type: fc.constant('unshift' as const), value: fc.nat() }),
      fc.record({ type: fc.constant('shift' as const) }),
    );
    const property = fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const mailbox = new Mailbox<number | undefined>();
      let model: { value: number | undefined; at: number; bound: boolean }[] = [];
      acts.forEach((each, at) => {
        if (each.type === 'push') {
          mailbox.push(each.value, at, each.bound);
          model.push({ value: each.value, at, bound: each.bound });
        } else if (each.type === 'unshift') {
          mailbox.unshift(each.value, at);
          model.unshift({ value: each.value, at, bound: false });
        } else if (each.type === 'takeBound') {
          expect(mailbox.takeBound()).toEqual(model.filter(({ bound }) => bound).map(({ value }) => value));
          model = model.filter(({ bound }) => !bound);
        } else if (model.length > 0) {
          expect(mailbox.shift()).toBe(model.shift()?.value);
        }
        expect(mailbox.size).toBe(model.length);
        expect(mailbox.oldest()).toBe(model[0]?.at);
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('WK12 gives the memory of a burst back', () => {
    const mailbox = new Mailbox<number>();
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 5_000; n += 1) mailbox.push(n, n);
      for (let n = 0; n < 5_000; n += 1) expect(mailbox.shift()).toBe(n);
    }
    expect(mailbox.size).toBe(0);
  });
});

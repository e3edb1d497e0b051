import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SessionOrder, StartDedupe } from '../../../src/actors/session-manager/index.ts';
import { member, messageFrom } from '../flow/wire.ts';

const message = (sequence: number) =>
  messageFrom(member('A'), member('B'), { session: 's', created: 0, kind: 'data', sequence });

describe('order of a session', () => {
  it('SM7 SM8 whatever the network does, what is delivered is 1, 2, 3 and so on, each once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 300 }), (arrivals) => {
        const order = new SessionOrder();
        const delivered: number[] = [];
        for (const sequence of arrivals) {
          for (const due of order.arrive('flow', message(sequence), delivered.length)) delivered.push(due.sequence);
        }
        const heard = new Set(arrivals);
        let contiguous = 0;
        while (heard.has(contiguous + 1)) contiguous++;
        expect(delivered).toEqual(Array.from({ length: contiguous }, (_, i) => i + 1));
      }),
    );
  });

  it('SM8 W7 what waits behind a gap is bounded, and comes again with what filled it', () => {
    const order = new SessionOrder();
    for (let sequence = 2; sequence <= 1_000; sequence++)
      expect(order.arrive('flow', message(sequence), 0)).toEqual([]);
    const due = order.arrive('flow', message(1), 0);
    expect(due.map(({ sequence }) => sequence)).toEqual(Array.from({ length: due.length }, (_, i) => i + 1));
    expect(due.length).toBeLessThan(200);
    expect(order.arrive('flow', message(due.length + 1), due.length)[0]?.sequence).toBe(due.length + 1);
  });

  it('SM8 a session that ended leaves nothing to the next one of the same id', () => {
    const order = new SessionOrder();
    order.arrive('flow', message(2), 0);
    order.forget('flow', 's');
    expect(order.arrive('flow', message(1), 0)).toHaveLength(1);
  });
});

describe('start dedupe', () => {
  it('SM3 SM4 SM15 knows exactly the flows that ended within the window, whatever the order of events', () => {
    const event = fc.record({ key: fc.integer({ min: 0, max: 5 }), wait: fc.integer({ min: 0, max: 40 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), fc.integer({ min: 0, max: 100 }), (events, windowMs) => {
        const dedupe = new StartDedupe();
        const model = new Map<string, { flowId: string; ended: number | undefined }>();
        let now = 0;
        let made = 0;
        for (const { key, wait } of events) {
          now += wait;
          for (const [name, { ended }] of model) if (ended !== undefined && ended + windowMs <= now) model.delete(name);
          for (;;) if (dedupe.expire(now - windowMs, 2).length === 0) break;
          const name = `k${key}`;
          const known = model.get(name);
          const found = known?.ended === undefined ? undefined : known.flowId;
          expect(dedupe.find(name)?.flowId).toBe(found);
          expect(dedupe.find(name)?.print).toBe(found === undefined ? undefined : `asked of ${found}`);
          if (known === undefined) {
            model.set(name, { flowId: `f${made++}`, ended: undefined });
          } else if (known.ended === undefined) {
            known.ended = now;
            dedupe.finished(name, known.flowId, `asked of ${known.flowId}`, now);
          }
          const ends = [...model.values()].flatMap(({ ended }) => (ended === undefined ? [] : [ended + windowMs]));
          expect(dedupe.nextExpiry(windowMs)).toBe(ends.length === 0 ? undefined : Math.min(...ends));
        }
        expect(dedupe.size).toBe([...model.values()].filter(({ ended }) => ended !== undefined).length);
      }),
    );
  });
});

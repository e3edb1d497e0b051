import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChildSpec, describeWaiting } from '../../src/supervisors/index.ts';
import { propertyRuns } from '../fixtures/property-runs.ts';
import { type Puppet, puppet, supervise } from './support.ts';

const size = 6;

/** Needs of each child: only of those with a smaller number, so that there is no circle. */
const graph = fc
  .array(fc.array(fc.nat(size), { maxLength: 2 }), { minLength: size, maxLength: size })
  .map((lists) => lists.map((needs, n) => [...new Set(needs.filter((needed) => needed < n))]));

const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ fail: fc.nat(size - 1) }) },
  { weight: 1, arbitrary: fc.record({ finish: fc.nat(size - 1) }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.nat(60) }) },
);

describe('domino under random failures', () => {
  it('AK11 a child only ever starts when all that it needs runs, and in the end everything is ready again', async () => {
    const property = fc.asyncProperty(graph, fc.array(act, { maxLength: 25 }), async (needs, acts) => {
      const running = new Set<number>();
      const wrong: string[] = [];
      const puppets: Puppet[] = needs.map((needed, n) => {
        const inner = puppet(`${n}`, []);
        const spec: ChildSpec = {
          ...inner.spec,
          needs: needed.map(String),
          start: (start) => (context) => {
            for (const each of needed) if (!running.has(each)) wrong.push(`${n} started without ${each}`);
            if (running.has(n)) wrong.push(`${n} runs twice`);
            running.add(n);
            const receive = inner.spec.start(start)(context);
            if (receive instanceof Promise) throw new TypeError('a puppet starts at once');
            return { ...receive, ended: () => void running.delete(n) };
          },
        };
        return { ...inner, spec };
      });
      const { clock, states, status } = supervise(
        puppets.map(({ spec }) => spec),
        { intensity: { max: 1_000, within: '1 h' }, backoff: { min: 10, max: 40, jitter: 0.5 } },
      );
      await clock.advance(0);
      for (const each of acts) {
        if ('advance' in each) await clock.advance(each.advance);
        else if ('fail' in each) puppets[each.fail]?.fail('told to');
        else puppets[each.finish]?.finish();
      }
      await clock.advance(1_000);
      expect(wrong).toEqual([]);
      expect(await states()).toBe(needs.map((_, n) => `${n}:ready`).join(' '));
      expect(describeWaiting(await status())).toEqual([]);
    });
    await fc.assert(property, { numRuns: propertyRuns(200) });
  });
});

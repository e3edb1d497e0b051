import { describe, expect, it } from 'vitest';
import {
  applyCut,
  drawPlan,
  type Invariant,
  parseSeed,
  replay,
  runPlan,
  seedText,
  simulate,
} from '../../../src/testing/index.ts';
import { tradeScenario } from './trade-scenario.ts';

/** Breaks when a worker dies between the first and the last of two commits: something that only a fault brings about. */
function noWorkerMayDie(): Invariant {
  return {
    name: 'no worker may die',
    event(event, violate) {
      if (event.type === 'down') violate(`${event.node} is down`);
    },
  };
}

describe('simulate', () => {
  it('TK4 the same seed gives the same trace, event by event; another one another', async () => {
    const scenario = tradeScenario();
    const hashOf = async (seed: number): Promise<string> =>
      (await runPlan(scenario, drawPlan(scenario, seed), seed)).trace.hash();
    const [one, again, other] = [await hashOf(11), await hashOf(11), await hashOf(12)];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it('TK4 keeping the trace changes nothing of it', async () => {
    const scenario = tradeScenario();
    const plan = drawPlan(scenario, 5);
    const silent = await runPlan(scenario, plan, 5);
    const kept = await runPlan(scenario, plan, 5, { keepTrace: true });
    expect(kept.trace.hash()).toBe(silent.trace.hash());
    expect(kept.lines().join('\n')).toMatch(/client accepted order-0: buy of BUYER/);
  });

  it('TK4 W9 lasts hours of virtual time, in which two nodes trade through faults and everything ends', async () => {
    const { failure, seeds, virtualMs, coverage } = await simulate(tradeScenario(), { seed: 1, seeds: 40 });
    expect(failure).toBeUndefined();
    expect(seeds).toBe(40);
    expect(virtualMs).toBeGreaterThan(40 * 3_600_000);
    expect([...coverage.faults.keys()].sort()).toContain('crash');
    expect([...coverage.states.keys()]).toContain('buy COMPLETED in settle');
  });

  it('TK6 shrinks a failing seed to the one fault that it needs, and names the seed', async () => {
    const scenario = tradeScenario({ orders: 6, faults: 12, invariants: [noWorkerMayDie()] });
    const { failure } = await simulate(scenario, { seed: 1, seeds: 50 });
    expect(failure?.violation.invariant).toBe('no worker may die');
    expect(failure?.plan.faults).toHaveLength(1);
    expect(failure?.plan.faults[0]?.what.type).toBe('crash');
    expect(failure?.plan.actions.length).toBeLessThanOrEqual(1);
    expect(failure?.seedText).toMatch(/^trade@1:\d+$/);
    expect(failure?.trace.join('\n')).toMatch(/FAULT .*: the worker dies/);
  });

  it('TK6 the shrunk plan shows the failure again, with the same trace', async () => {
    const scenario = tradeScenario({ orders: 6, faults: 12, invariants: [noWorkerMayDie()] });
    const { failure } = await simulate(scenario, { seed: 1, seeds: 50 });
    if (failure === undefined) throw new Error('nothing failed');
    const least = applyCut(drawPlan(scenario, failure.seed), failure.cut);
    const again = await replay(scenario, least, failure.cut.under);
    expect(again.failure?.violation).toEqual(failure.violation);
    expect(again.result.trace.hash()).toBe(failure.hash);
  });

  it.each([
    ['Date.now', () => void Date.now()],
    ['new Date()', () => void new Date()],
    ['Math.random', () => void Math.random()],
    ['setTimeout', () => void setTimeout(() => undefined, 1)],
    ['performance.now', () => void performance.now()],
    ['crypto.randomUUID', () => void crypto.randomUUID()],
    ['fetch', () => void fetch('http://localhost')],
  ])(
    'W9 code under simulation that reaches for %s fails the run, and is told which port to use',
    async (what, mischief) => {
      const { failure } = await simulate(tradeScenario({ orders: 1, faults: 0, mischief }), { seed: 1, seeds: 1 });
      expect(failure?.violation).toMatchObject({ invariant: 'ports only' });
      expect(failure?.violation.text).toContain(what);
    },
  );

  it('W9 what is barred works again outside the simulation', async () => {
    const before = Date.now;
    await simulate(tradeScenario({ orders: 1 }), { seed: 1, seeds: 1 });
    expect(Date.now).toBe(before);
    expect(Date.now()).toBeGreaterThan(0);
  });

  it('TK4 a seed is read as it was printed, and one of another version or scenario is refused in a sentence', () => {
    const scenario = { name: 'trade', version: 2 };
    expect(parseSeed(seedText(scenario, 77), scenario)).toBe(77);
    expect(parseSeed('78', scenario)).toBe(78);
    expect(() => parseSeed('trade@1:77', scenario)).toThrow(/of version 1, and trade is at version 2/);
    expect(() => parseSeed('swarm@2:77', scenario)).toThrow(/of the scenario swarm/);
    expect(() => parseSeed('seventy', scenario)).toThrow(/should look like trade@2:48213/);
  });
});

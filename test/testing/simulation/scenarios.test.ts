import { describe, expect, it } from 'vitest';
import { everyFault } from '../../../simulation/draw-faults.ts';
import { scenarios } from '../../../simulation/scenarios/index.ts';
import { swarm } from '../../../simulation/scenarios/swarm.ts';
import { drawPlan, replay, runPlan } from '../../../src/testing/index.ts';

describe('scenarios', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'TK4 TK5 %s keeps every promise under its faults',
    async (_name, scenario) => {
      const seeds = scenario.name === 'swarm' ? 1 : 4;
      for (let seed = 1; seed <= seeds; seed++) {
        const { result, failure } = await replay(scenario, drawPlan(scenario, seed), seed);
        expect(failure?.violation, `seed ${seed}`).toBeUndefined();
        expect(result.accepted).toBeGreaterThan(0);
      }
    },
  );

  it('TK4 plans are plain data: what is read from a file runs as what was drawn', async () => {
    for (const scenario of scenarios) {
      const plan = drawPlan(scenario, 7);
      expect(JSON.parse(JSON.stringify(plan)), scenario.name).toEqual(plan);
    }
  });

  it('TK4 a plan of another scenario is refused in one sentence', async () => {
    const plan = drawPlan(swarm, 1);
    const [small] = scenarios;
    if (small === undefined) throw new Error('there are no scenarios');
    await expect(runPlan(small, plan, 1)).rejects.toMatchObject({ code: 'WEIR_SIMULATION_SCENARIO' });
  });

  it('TK5 plans of the swarm hold every fault there is', () => {
    const drawn = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) for (const { what } of drawPlan(swarm, seed).faults) drawn.add(what.type);
    expect(drawn).toEqual(new Set(everyFault));
  });
});

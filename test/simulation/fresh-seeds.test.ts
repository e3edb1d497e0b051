import { describe, expect, it } from 'vitest';
import { failureText } from '../../simulation/report.ts';
import { scenarios } from '../../simulation/scenarios/index.ts';
import { systemRandom } from '../../src/ports/index.ts';
import { freshSeed, seedText, simulate } from '../../src/testing/index.ts';

/** Milliseconds for each scenario; a slow machine runs fewer seeds in them. */
const budgetMs = 5_000;

describe('simulation with fresh seeds', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'TK4 TK5 nothing breaks in %s',
    async (_name, scenario) => {
      const seed = freshSeed(systemRandom());
      // Printed first: whoever reads the log of a run can repeat it, however it ended.
      process.stdout.write(`simulating from ${seedText(scenario, seed)}\n`);
      const end = performance.now() + budgetMs;
      const { failure, seeds } = await simulate(scenario, {
        seed,
        seeds: 1_000,
        // That takes minutes at worst; the command that is printed does it.
        shrink: false,
        enough: (done) => done > 0 && performance.now() > end,
      });
      process.stdout.write(`simulated ${seeds} seeds of ${scenario.name}\n`);
      expect(failure, failure && failureText(failure, { whole: false, kept: undefined })).toBeUndefined();
    },
    180_000,
  );
});

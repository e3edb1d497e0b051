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
      const end = performance.now() + budgetMs;
      const { failure, seeds } = await simulate(scenario, {
        seed,
        seeds: 1_000,
        enough: (done) => done > 0 && performance.now() > end,
      });
      // Whoever reads the log of a run can repeat it.
      process.stdout.write(`simulated ${seeds} seeds from ${seedText(scenario, seed)}\n`);
      expect(failure, failure && failureText(failure, { whole: false, kept: undefined })).toBeUndefined();
    },
    180_000,
  );
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../simulation/scenarios/index.ts';
import { type Plan, replay } from '../../src/testing/index.ts';

interface KeptPlan {
  readonly scenario: string;
  readonly seed: number;
  /** What it was. */
  readonly sentence: string;
  readonly plan: Plan;
}

const folder = join(import.meta.dirname, '..', 'regressions', 'seeds');
const kept = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name): [string, KeptPlan] => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))]);

describe('plans that broke something once', () => {
  it.each(kept)('TK6 %s stays mended', async (_name, { scenario: name, seed, plan, sentence }) => {
    expect(sentence).not.toBe('');
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`there is no scenario ${name} any more`);
    const { failure } = await replay(scenario, plan, seed);
    expect(failure?.violation, failure?.trace.slice(-40).join('\n')).toBeUndefined();
  });
});

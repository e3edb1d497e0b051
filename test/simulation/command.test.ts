import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../simulation/scenarios/index.ts';
import { drawPlan, runPlan } from '../../src/testing/index.ts';

const run = promisify(execFile);
const script = 'simulation/main.ts';

async function refusal(...args: string[]): Promise<{ readonly code: number; readonly stderr: string }> {
  return run(process.execPath, [script, ...args]).then(
    () => {
      throw new Error('it was not refused');
    },
    ({ code, stderr }) => ({ code, stderr }),
  );
}

describe('npm run simulate', () => {
  it('TK4 the same seed gives the same trace in two processes', async () => {
    const scenario = scenarios.find(({ name }) => name === 'small');
    if (scenario === undefined) throw new Error('no scenario small');
    const seed = 4_711;
    const here = await runPlan(scenario, drawPlan(scenario, seed), seed);
    const { stdout } = await run(process.execPath, [script, '--scenario', 'small', '--seed', `${seed}`, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ hash: here.trace.hash(), events: here.events });
  });

  it('TK4 prints seeds a second, faults that struck and states that were seen', async () => {
    const { stdout } = await run(process.execPath, [script, '--scenario', 'small', '--seeds', '5']);
    expect(stdout).toMatch(/5 seeds from \d+ in .* seeds\/s/);
    expect(stdout).toMatch(/faults struck: \w+/);
    expect(stdout).toMatch(/states seen: \d+/);
  });

  it('TK4 refuses in one sentence a scenario that is not there, and a seed of another version', async () => {
    expect(await refusal('--scenario', 'nope')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is none of this name'),
    });
    expect(await refusal('--seed', 'small@999:1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is of version 999, and small is at version'),
    });
  });
});

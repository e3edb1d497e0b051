/** `weir/testing/contracts` as someone else's project uses it, who has written a driver and nothing but that. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The programs of the guide's section for driver authors, by their names. */
function programsOfGuide(): Record<string, string> {
  const guide = readFileSync(join(root, 'docs/guide/testing.md'), 'utf8');
  const blocks = guide.matchAll(/^```typescript\n\/\/ (\S+)\n(.*?)^```$/gms);
  return Object.fromEntries([...blocks].map(([, file = '', code = '']) => [file, code]));
}

/** A mistake that is easily made: one timer of the platform, however long. */
function naive(clock: string): string {
  return clock.replace('2 ** 31 - 1', 'Number.POSITIVE_INFINITY');
}

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<{ readonly fullName: string; readonly status: string }>;
  }>;
}

describe('contract suites in a project of their own', () => {
  it('TK7 pass for a driver that keeps the contract, and name what another one breaks', () => {
    const project = mkdtempSync(join(tmpdir(), 'weir-author-'));
    onTestFinished(() => rmSync(project, { recursive: true, force: true }));
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(root, join(project, 'node_modules', 'weir'));
    symlinkSync(join(root, 'node_modules', 'vitest'), join(project, 'node_modules', 'vitest'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'clock-driver', type: 'module' }));
    const { 'clock.ts': clock = '', 'clock.test.ts': suite = '' } = programsOfGuide();
    writeFileSync(join(project, 'clock.ts'), clock);
    writeFileSync(join(project, 'clock.test.ts'), suite);
    writeFileSync(join(project, 'naive.ts'), naive(clock));
    writeFileSync(
      join(project, 'naive.test.ts'),
      suite.replace('./clock.ts', './naive.ts').replace('my clock', 'naive'),
    );

    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--reporter', 'json'], {
      cwd: project,
      encoding: 'utf8',
      // A runner of tests that finds itself in another one would report to it.
      env: { PATH: process.env.PATH },
    });
    const report: Report = JSON.parse(stdout === '' ? stderr : stdout);
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    const of = (name: string) => tests.filter(({ fullName }) => fullName.startsWith(`${name}: `));
    const failed = of('naive').filter(({ status }) => status === 'failed');

    expect(of('my clock').length).toBeGreaterThan(15);
    expect(of('my clock').filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(failed.map(({ fullName }) => fullName)).toContainEqual(expect.stringContaining('beyond 24.8 days'));
  });
});

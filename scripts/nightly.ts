/**
 * The property tests of the project with as many runs as a night allows; `npm test` makes a few hundred of each. What it
 * finds is printed with its seed and path: keep them as an example of the property that failed.
 *
 * Usage: node scripts/nightly.ts [runs] [file]...
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** The environment variable that says how often each property is run. */
export const runsVariable = 'WEIR_PROPERTY_RUNS';

const usualRuns = 10_000;
/** A property with many runs may take this long, in milliseconds. */
const testTimeoutMs = 3_600_000;

if (import.meta.main) {
  const [runs = String(usualRuns), ...files] = process.argv.slice(2);
  const root = join(dirname(import.meta.filename), '..');
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...(files.length === 0 ? ['.property.test.ts'] : files),
      `--testTimeout=${testTimeoutMs}`,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, [runsVariable]: runs } },
  );
  process.exitCode = status ?? 1;
}

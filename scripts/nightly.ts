/**
 * What only a night has time for: the property tests of the project with many runs each (`npm test` makes a few hundred),
 * and what befalls real processes and brokers with thousands of payments (`npm test` has hundreds, and leaves out what
 * takes longer than half a minute). What a property finds is printed with its seed and path: keep them as an example of
 * the property that failed. Each failure under load prints its row of the table in `docs/guide/kafka.md`.
 *
 * Usage: node scripts/nightly.ts [runs] [file]...
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** The environment variable that says how often each property is run, and that there is a night for the rest; those that
 * begin with WEIR_ are settings of nodes. */
export const runsVariable = 'NIGHTLY_RUNS';

const usualRuns = 10_000;
const usualFiles = ['.property.test.ts', '.nightly.test.ts', 'test/chaos/failures.test.ts'];
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
      ...(files.length === 0 ? usualFiles : files),
      `--testTimeout=${testTimeoutMs}`,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, [runsVariable]: runs } },
  );
  process.exitCode = status ?? 1;
}

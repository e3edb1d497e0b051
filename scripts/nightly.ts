/**
 * What only a night has time for: the property tests of the project with many runs each (`npm test` makes a few hundred),
 * and what befalls real processes and brokers with thousands of payments (`npm test` has hundreds, and leaves out what
 * takes longer than half a minute), one after the other. What a property finds is printed with its seed and path: keep
 * them as an example of the property that failed. The trials with payments are a table in the end, as in
 * `docs/guide/kafka.md`.
 *
 * Usage: node scripts/nightly.ts [--runs 10000] [--times 1] [--payments 2000] [--table FILE] [file]...
 * `--runs` is for properties; `--times` is how often each trial is run, with other payments each time, and `--payments`
 * how many it makes at least; with `--table` trials of several nights stand in one table.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { rowsIn, tableOf, tableVariable, timeVariable } from './trial-table.ts';

/** The environment variable that says how often each property is run, and that there is a night for the rest; those that
 * begin with WEIR_ are settings of nodes. */
export const runsVariable = 'NIGHTLY_RUNS';

/** How many payments each trial makes at least. */
export const paymentsVariable = 'NIGHTLY_PAYMENTS';
export const usualPayments = 2_000;

const properties = ['.property.test.ts'];
const trials = ['.nightly.test.ts', 'test/chaos/failures.test.ts'];
/** A property with many runs may take this long, in milliseconds. */
const testTimeoutMs = 3_600_000;
const root = join(dirname(import.meta.filename), '..');

function main(): number {
  const { values, positionals: files } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '10000' },
      times: { type: 'string', default: '1' },
      payments: { type: 'string', default: String(usualPayments) },
      table: { type: 'string' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'weir-nightly-'));
  const table = values.table ?? join(folder, 'table.jsonl');
  const environment = {
    [runsVariable]: values.runs,
    [paymentsVariable]: values.payments,
    [tableVariable]: table,
  };
  try {
    const chosen = files.length > 0 ? files : trials;
    let good = files.length > 0 || tested(properties, [], environment);
    for (let time = 0; time < Number(values.times); time++) {
      // Brokers and workers of one trial have the machine to themselves, or their times would say nothing.
      const passed = tested(chosen, ['--no-file-parallelism'], { ...environment, [timeVariable]: String(time) });
      good &&= passed;
    }
    if (existsSync(table)) process.stdout.write(`\n${tableOf(rowsIn(readFileSync(table, 'utf8')))}\n`);
    return good ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tested(files: readonly string[], flags: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', ...files, `--testTimeout=${testTimeoutMs}`, ...flags],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } },
  );
  return status === 0;
}

if (import.meta.main) process.exitCode = main();

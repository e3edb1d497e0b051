/**
 * What only a night has time for: the property tests of the project with many runs each (`npm test` makes a few hundred),
 * and what befalls real processes and brokers with thousands of payments (`npm test` has hundreds, and leaves out what
 * takes longer than half a minute), one after the other. What a property finds is printed with its seed and path: keep
 * them as an example of the property that failed. The trials with payments are a table in the end, as in
 * `docs/guide/kafka.md`.
 *
 * Usage: npm run nightly -- --help
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { count } from './option-values.ts';
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

interface Flags {
  readonly runs: number;
  readonly times: number;
  readonly payments: number;
  readonly table?: string;
}

const program = new Command('nightly')
  .description('Runs what only a night has time for: properties with many runs, trials with thousands of payments.')
  .argument('[file...]', 'only the tests in files whose names contain this; default: all of a night')
  .option('--runs <n>', 'runs of each property', count, 10_000)
  .option('--times <n>', 'how often each trial is run, with other payments each time', count, 1)
  .option('--payments <n>', 'payments that each trial makes at least', count, usualPayments)
  .option('--table <file>', 'keep the rows of the table here, after those of earlier nights');

function main(files: readonly string[], { runs, times, payments, table: kept }: Flags): number {
  const folder = mkdtempSync(join(tmpdir(), 'weir-nightly-'));
  const table = kept ?? join(folder, 'table.jsonl');
  const environment = {
    [runsVariable]: String(runs),
    [paymentsVariable]: String(payments),
    [tableVariable]: table,
  };
  try {
    const chosen = files.length > 0 ? files : trials;
    let good = files.length > 0 || tested(properties, [], environment);
    for (let time = 0; time < times; time++) {
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

if (import.meta.main) {
  program.parse();
  process.exitCode = main(program.args, program.opts());
}

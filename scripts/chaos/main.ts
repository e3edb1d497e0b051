/**
 * `npm run chaos -- --minutes M --seed S`: the payments example as real processes under faults, for a stated time, and a
 * ledger that must balance. Exit code 0: nothing lost, nothing doubled, every balance right; 1: it was not so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { embeddedCluster } from './cluster.ts';
import { prepareMarket } from './market.ts';
import { passed, reportText } from './report.ts';
import { runChaos } from './run.ts';

const usage = 'npm run chaos -- [--minutes 1] [--seed 1] [--keep]';
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

function options(): { readonly minutes: number; readonly seed: number; readonly keep: boolean } {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error('--seed must be a whole number');
  return { minutes, seed, keep: values.keep };
}

async function main(): Promise<number> {
  const { minutes, seed, keep } = options();
  const folder = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
  tell(`Chaos for ${minutes} min with seed ${seed}; data in ${folder}`);
  const cluster = embeddedCluster(await prepareMarket(folder));
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      cluster.destroy();
      process.exit(name === 'SIGINT' ? 130 : 143);
    });
  }
  try {
    const report = await runChaos({ cluster, folder, seed, durationMs: minutes * 60_000, tell });
    tell(reportText(report));
    const good = passed(report);
    if (!keep && good) rmSync(folder, { recursive: true, force: true });
    else tell(`The data is kept in ${folder}`);
    return good ? 0 : 1;
  } finally {
    cluster.destroy();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}\n`);
  process.exitCode = 2;
}

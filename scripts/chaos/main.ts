/**
 * `npm run chaos -- --help`: the payments example as real processes under faults, for a stated time, and a
 * ledger that must balance; with `--cluster kafka` as several workers on real brokers, which fail too. Exit code 0:
 * nothing lost, nothing doubled, every balance right; 1: it was not so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { messageOf } from '../../src/errors/index.ts';
import { type KafkaRig, startKafka } from '../../test/rig/kafka.ts';
import { count, positiveNumber, wholeNumber } from '../option-values.ts';
import { embeddedMarket, kafkaMarket } from './clusters.ts';
import { passed, reportText } from './report.ts';
import { runChaos } from './run.ts';

const tell = (line: string): void => void process.stdout.write(`${line}\n`);

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly cluster: 'embedded' | 'kafka';
  readonly workers?: number;
  readonly brokers?: '1' | '3';
  readonly keep: boolean;
}

const program = new Command('chaos')
  // One says that the ledger does not balance.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .description('Runs the payments example as real processes under faults, and settles its ledger.')
  .option('--minutes <n>', 'how long faults strike', positiveNumber, 1)
  .addOption(
    new Option('--seed <n>', 'which ones, and which payments')
      .argParser(wholeNumber)
      .default(Date.now() % 1_000_000, 'by the time of day'),
  )
  .addOption(
    new Option('--cluster <kind>', 'one worker on the embedded log, or several on real brokers')
      .choices(['embedded', 'kafka'])
      .default('embedded'),
  )
  .option('--workers <n>', 'with --cluster kafka; default: 2', count)
  .addOption(new Option('--brokers <n>', 'with --cluster kafka; default: 1').choices(['1', '3']))
  .option('--keep', 'keep the data, also when all is well', false);

async function main({ minutes, seed, keep, cluster: kind, workers = 2, brokers }: Flags): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
  tell(`Chaos for ${minutes} min with seed ${seed}; data in ${folder}`);
  let rig: KafkaRig | undefined;
  if (kind === 'kafka') {
    tell(`Starting ${brokers === '3' ? '3 brokers' : 'a broker'}.`);
    rig = await startKafka({ brokers: brokers === '3' ? 3 : 1, directory: join(folder, 'kafka') });
  }
  try {
    const { place, cluster } =
      rig === undefined ? await embeddedMarket(folder) : await kafkaMarket(folder, rig, workers);
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        cluster.destroy();
        process.exit(name === 'SIGINT' ? 130 : 143);
      });
    }
    try {
      const report = await runChaos({ cluster, place, seed, durationMs: minutes * 60_000, tell });
      tell(reportText(report));
      const good = passed(report);
      await rig?.close();
      if (!keep && good) rmSync(folder, { recursive: true, force: true });
      else tell(`The data is kept in ${folder}`);
      return good ? 0 : 1;
    } finally {
      cluster.destroy();
    }
  } finally {
    await rig?.close();
  }
}

program.parse();
const flags = program.opts<Flags>();
if (flags.cluster === 'embedded' && (flags.workers ?? flags.brokers) !== undefined) {
  program.error('--workers and --brokers need --cluster kafka: the embedded log has one worker, and no brokers');
}
try {
  process.exitCode = await main(flags);
} catch (error) {
  process.stderr.write(`chaos: ${messageOf(error)}\n`);
  process.exitCode = 2;
}

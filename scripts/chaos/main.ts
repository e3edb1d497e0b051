/**
 * `npm run chaos -- --minutes M --seed S`: the payments example as real processes under faults, for a stated time, and a
 * ledger that must balance; with `--cluster kafka` as several workers on real brokers, which fail too. Exit code 0:
 * nothing lost, nothing doubled, every balance right; 1: it was not so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type KafkaRig, startKafka } from '../../test/rig/kafka.ts';
import { embeddedMarket, kafkaMarket } from './clusters.ts';
import { passed, reportText } from './report.ts';
import { runChaos } from './run.ts';

const usage =
  'npm run chaos -- [--minutes 1] [--seed 1] [--cluster embedded|kafka] [--workers 2] [--brokers 1|3] [--keep]';
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly keep: boolean;
  /** Undefined: one worker on the embedded log. */
  readonly kafka: { readonly workers: number; readonly brokers: 1 | 3 } | undefined;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      cluster: { type: 'string', default: 'embedded' },
      workers: { type: 'string' },
      brokers: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error('--seed must be a whole number');
  return { minutes, seed, keep: values.keep, kafka: kafkaOptions(values) };
}

function kafkaOptions(values: {
  readonly cluster: string;
  readonly workers?: string;
  readonly brokers?: string;
}): Options['kafka'] {
  const { cluster, workers = '2', brokers = '1' } = values;
  if (cluster === 'embedded') {
    if (values.workers === undefined && values.brokers === undefined) return undefined;
    throw new Error('--workers and --brokers need --cluster kafka: the embedded log has one worker, and no brokers');
  }
  if (cluster !== 'kafka') throw new Error('--cluster must be embedded or kafka');
  if (!/^[1-9]\d?$/.test(workers)) throw new Error('--workers must be a whole number from 1 to 99');
  if (brokers !== '1' && brokers !== '3') throw new Error('--brokers must be 1 or 3');
  return { workers: Number(workers), brokers: brokers === '1' ? 1 : 3 };
}

async function main(): Promise<number> {
  const { minutes, seed, keep, kafka } = options();
  const folder = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
  tell(`Chaos for ${minutes} min with seed ${seed}; data in ${folder}`);
  let rig: KafkaRig | undefined;
  if (kafka !== undefined) {
    tell(`Starting ${kafka.brokers === 1 ? 'a broker' : `${kafka.brokers} brokers`}.`);
    rig = await startKafka({ brokers: kafka.brokers, directory: join(folder, 'kafka') });
  }
  try {
    const { place, cluster } =
      kafka === undefined || rig === undefined
        ? await embeddedMarket(folder)
        : await kafkaMarket(folder, rig, kafka.workers);
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

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}\n`);
  process.exitCode = 2;
}

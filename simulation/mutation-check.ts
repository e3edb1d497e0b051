/**
 * Checks the simulation itself: puts deliberate bugs into Weir, one at a time, and tells after how many seeds each is
 * found. A bug that is not found is a gap in the workload or in the invariants.
 *
 * Usage: npm run simulate:mutations -- [--only id,id] [--seconds 40] [--rounds 3] [--jobs 2] [--json]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { mutations } from './mutations/list.ts';
import type { Mutation } from './mutations/mutation.ts';

const run = promisify(execFile);
const register = pathToFileURL(join(import.meta.dirname, 'mutations', 'register.ts')).href;
const hunt = join(import.meta.dirname, 'mutations', 'hunt.ts');

interface Found {
  readonly seeds: number;
  readonly seconds: number;
  readonly scenario: string;
  readonly invariant: string;
}

interface Row {
  readonly mutation: Mutation;
  /** One for each round; undefined where it was not found in time. */
  readonly rounds: ReadonlyArray<Found | undefined>;
}

const program = new Command('mutation-check')
  .option('--only <ids>', 'these mutations only, separated by commas')
  .option('--seconds <n>', 'time for each mutation and round', Number, 40)
  .option('--rounds <n>', 'rounds with different seeds', Number, 3)
  .option('--jobs <n>', 'processes at a time', Number, 2)
  .option('--json', 'print one object')
  .parse();
const flags = program.opts<{ only?: string; seconds: number; rounds: number; jobs: number; json?: boolean }>();

async function huntFor({ id, scenarios }: Mutation, round: number): Promise<Found | undefined> {
  const args = ['--import', register, hunt, scenarios.join(','), String(flags.seconds), String(round * 1_000_003 + 1)];
  const { stdout } = await run(process.execPath, args, {
    env: { ...process.env, WEIR_MUTATION: id },
    maxBuffer: 64 * 1024 * 1024,
  });
  const found: Found | null = JSON.parse(stdout);
  return found ?? undefined;
}

const wanted = flags.only?.split(',');
const chosen = mutations.filter(({ id }) => wanted === undefined || wanted.includes(id));
const rows: Row[] = [];
const queue = [...chosen];
await Promise.all(
  Array.from({ length: flags.jobs }, async () => {
    for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
      const rounds: Array<Found | undefined> = [];
      for (let round = 1; round <= flags.rounds; round++) rounds.push(await huntFor(mutation, round));
      rows.push({ mutation, rounds });
      if (flags.json !== true) process.stdout.write(`${lineOf(rows.at(-1) ?? { mutation, rounds })}\n`);
    }
  }),
);
const missed = rows.filter(({ rounds }) => rounds.includes(undefined));
if (flags.json === true) {
  process.stdout.write(
    `${JSON.stringify(
      rows.map(({ mutation, rounds }) => ({ id: mutation.id, rounds })),
      null,
      2,
    )}\n`,
  );
} else {
  process.stdout.write(`\n${chosen.length - missed.length} of ${chosen.length} found in every round.\n`);
}
process.exitCode = missed.length === 0 ? 0 : 1;

function lineOf({ mutation, rounds }: Row): string {
  const found = rounds.filter((round) => round !== undefined);
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const [first] = found;
  const how =
    first === undefined
      ? `NOT FOUND in ${flags.seconds} s`
      : `found ${found.length}/${rounds.length}, after ${median(found.map(({ seeds }) => seeds))} seeds, ` +
        `${median(found.map(({ seconds }) => seconds)).toFixed(1)} s, in ${first.scenario}: ${first.invariant}`;
  return `| ${mutation.id} | ${mutation.sentence} | ${how} |`;
}

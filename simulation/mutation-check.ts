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
import { count, positiveNumber } from '../scripts/option-values.ts';
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
  .option('--seconds <n>', 'time for each mutation and round', positiveNumber, 40)
  .option('--rounds <n>', 'rounds with different seeds', count, 3)
  .option('--jobs <n>', 'processes at a time', count, 2)
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
const unknown = (wanted ?? []).filter((id) => !mutations.some((mutation) => mutation.id === id));
if (unknown.length > 0) {
  process.stderr.write(
    `there is no mutation ${unknown.join(', ')}; there are ${mutations.map(({ id }) => id).join(', ')}\n`,
  );
  process.exit(2);
}
const chosen = mutations.filter(({ id }) => wanted === undefined || wanted.includes(id));
const results = new Map<string, Row>();
const queue = [...chosen];
await Promise.all(
  Array.from({ length: flags.jobs }, async () => {
    for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
      const rounds: Array<Found | undefined> = [];
      for (let round = 1; round <= flags.rounds; round++) rounds.push(await huntFor(mutation, round));
      results.set(mutation.id, { mutation, rounds });
      if (process.stderr.isTTY) process.stderr.write(`${results.size} of ${chosen.length}: ${mutation.id}\n`);
    }
  }),
);
const rows = chosen.flatMap(({ id }) => results.get(id) ?? []);
const missed = rows.filter(({ rounds }) => rounds.includes(undefined));
process.stdout.write(flags.json === true ? jsonOf(rows) : tableOf(rows));
process.exitCode = missed.length === 0 ? 0 : 1;

function jsonOf(all: readonly Row[]): string {
  return `${JSON.stringify(
    all.map(({ mutation: { id, sentence }, rounds }) => ({ id, sentence, rounds })),
    null,
    2,
  )}\n`;
}

/** As it stands in docs/decisions/simulation.md. */
function tableOf(all: readonly Row[]): string {
  return [
    `| bug | found | seeds | seconds | scenario | caught by |`,
    `|---|---|---|---|---|---|`,
    ...all.map(lineOf),
    '',
    `${all.length - missed.length} of ${all.length} found in every round; seeds and seconds are medians of ${flags.rounds}.`,
    '',
  ].join('\n');
}

function lineOf({ mutation: { id, sentence }, rounds }: Row): string {
  const found = rounds.filter((round) => round !== undefined);
  const distinct = (names: readonly string[]): string => [...new Set(names)].join('; ');
  const cells = [
    `\`${id}\`: ${sentence}`,
    `${found.length}/${rounds.length}`,
    found.length === 0 ? `none in ${flags.seconds} s` : median(found.map(({ seeds }) => seeds)),
    found.length === 0 ? '' : median(found.map(({ seconds }) => seconds)).toFixed(1),
    distinct(found.map(({ scenario }) => scenario)),
    distinct(found.map(({ invariant }) => invariant)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

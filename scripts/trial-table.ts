/** The table of what befalls a node under load: a line for each trial, added up over its runs. Owns its form. */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';

/** Names the file that trials write their rows to; without it they are only printed. */
export const tableVariable = 'NIGHTLY_TABLE';
/** How often the trials were run before in this night: each time has payments of its own. */
export const timeVariable = 'NIGHTLY_TIME';

const trialRow = z.object({
  /** What befell it, as the table calls it. */
  name: z.string(),
  payments: z.number(),
  lost: z.number(),
  doubled: z.number(),
  /** The longest time in which no client was told anything new; `stopped` where the node is to stand still. */
  stallMs: z.union([z.number(), z.literal('stopped')]),
  /** Requests that clients had to make again. */
  again: z.number(),
});
export type TrialRow = z.output<typeof trialRow>;

const head = [
  '| what befalls it | runs | payments | lost | doubled | longest stall | again |',
  '|---|--:|--:|--:|--:|--:|--:|',
];

/** Prints the row of one run, and keeps it for the table of the night. */
export function tellRow(row: TrialRow): void {
  process.stdout.write(`${lineOf(row.name, [row])}\n`);
  const file = process.env[tableVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The rows that `tellRow` has kept. */
export function rowsIn(text: string): TrialRow[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => trialRow.parse(JSON.parse(line)));
}

/** One line for each trial, in the order of their first runs. */
export function tableOf(rows: readonly TrialRow[]): string {
  const byName = Map.groupBy(rows, ({ name }) => name);
  return [...head, ...Array.from(byName, ([name, runs]) => lineOf(name, runs))].join('\n');
}

function lineOf(name: string, runs: readonly TrialRow[]): string {
  const sum = (of: (row: TrialRow) => number): string =>
    runs.reduce((total, row) => total + of(row), 0).toLocaleString('en');
  const stalls = runs.map(({ stallMs }) => stallMs);
  const timed = stalls.filter((stall) => stall !== 'stopped');
  const stall = timed.length < stalls.length ? 'stopped' : `${(Math.max(...timed) / 1_000).toFixed(1)} s`;
  const cells = [
    ...[name, runs.length, sum(({ payments }) => payments), sum(({ lost }) => lost)],
    ...[sum(({ doubled }) => doubled), stall, sum(({ again }) => again)],
  ];
  return `| ${cells.join(' | ')} |`;
}

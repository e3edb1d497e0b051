/** The events of a run for people: a progress bar on a terminal, a line now and then elsewhere, and the summary. */
import type { Problem, RunEvents, Summary } from './events.ts';
import { formatAmount } from './money.ts';

const barWidth = 32;
const redrawMs = 100;
const lineEveryMs = 2_000;
const shownWarnings = 5;
const shownProblems = 10;

export interface TextSetup {
  readonly out: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly clock: () => number;
  /** What to try next, given the address of the node. */
  readonly advice: (url: string) => readonly string[];
}

export function textEvents({ out, clock, advice }: TextSetup): RunEvents {
  const onTerminal = out.isTTY === true;
  let all = 0;
  let done = 0;
  let begun = 0;
  let shown = Number.NEGATIVE_INFINITY;

  const line = (text = ''): void => void out.write(`${onTerminal ? '\r\x1b[K' : ''}${text}\n`);
  const progress = (): void => {
    const now = clock();
    if (done < all && now - shown < (onTerminal ? redrawMs : lineEveryMs)) return;
    shown = now;
    const perSecond = rate(done, now - begun);
    if (!onTerminal) {
      line(`  ${count(done)} of ${count(all)} payments, ${perSecond}/s`);
      return;
    }
    const filled = Math.round((barWidth * done) / Math.max(1, all));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
    out.write(`\r\x1b[K  ${bar} ${count(done)} of ${count(all)} payments, ${perSecond}/s`);
    if (done === all) out.write('\n');
  };

  return {
    problem: ({ code, message, remedy }: Problem) => line(`${code}: ${message}. Remedy: ${remedy}.`),
    nodeStarted({ data, url, note }) {
      line(`Node started on ${data}${url === undefined ? '' : `, ${url}`}`);
      if (note !== undefined) line(note);
    },
    accountOpened: () => undefined,
    accountsOpened: (opened, allAccounts) =>
      line(opened === 0 ? `All ${count(allAccounts)} accounts were open already` : `Opened ${count(opened)} accounts`),
    paying(payments) {
      all = payments;
      begun = clock();
      shown = begun;
    },
    accepted: () => undefined,
    ended() {
      done++;
      progress();
    },
    summary: (summary) => {
      for (const text of summaryLines(summary)) line(text);
    },
    serving(url) {
      line();
      if (url !== undefined) for (const text of advice(url)) line(text);
      line('The node stays up; stop it with Ctrl-C.');
    },
    interrupted: (signal, left) =>
      line(`${signal}: stopping. ${count(left)} payments have no outcome yet; the same command goes on with them.`),
    stopped: () => line('Stopped; nothing is lost.'),
  };
}

function summaryLines(summary: Summary): string[] {
  const { transactions, settled, refused, thereAlready, proof, reports, open, continued } = summary;
  const refusals = [...refused.values()].reduce((sum, number) => sum + number, 0);
  const lines = ['', `${count(transactions)} payments: ${count(settled)} settled, ${count(refusals)} refused`];
  for (const [code, number] of refused) lines.push(`  ${code} ${count(number).padStart(6)}  ${meanings[code] ?? ''}`);
  if (thereAlready > 0) lines.push(`${count(thereAlready)} payments were there already; they were not started again`);
  if (continued > 0) lines.push(`${count(continued)} payments of files given before were brought to an end`);
  if (summary.conflicts > 0) {
    lines.push(`${count(summary.conflicts)} have the ids of another payment and were not started (in AM05 above)`);
  }
  if ((refused.get('RC01') ?? 0) + (refused.get('AC01') ?? 0) > refusals / 2 && settled === 0) {
    lines.push('The banks and accounts of these files are unknown here. To open them at first sight, for trying:');
    lines.push('  npm start -- FILES --open-accounts 1000 --data DIR   (a new DIR: a refused payment stays refused)');
  }
  lines.push(...someOf(open, shownProblems, 'no outcome', ({ payment, why }) => `${payment}: ${why}`));
  lines.push(
    ...someOf(summary.warnings, shownWarnings, 'warning', ({ file, path, text }) => `${file} ${path}: ${text}`),
  );
  for (const { file, message } of summary.ignored) lines.push(`  left alone: ${message} in ${file}`);
  lines.push('', 'Balances by currency:');
  const width = Math.max(0, ...proof.totals.map(({ closing }) => formatAmount(closing).length));
  for (const { currency, opening, closing } of proof.totals) {
    const same = opening.minor === closing.minor ? 'as opened' : `opened with ${formatAmount(opening)}`;
    lines.push(`  ${currency} ${formatAmount(closing).padStart(width)}  ${same}`);
  }
  lines.push(...proofLines(summary), '', `${count(reports.count)} pacs.002 reports in ${reports.folder}`);
  lines.push(...timeLines(summary));
  return lines;
}

function proofLines({ proof, proved, nothingReserved, balanced, others }: Summary): string[] {
  const besides = others === 0 ? '' : `, ${count(others)} of them from elsewhere than a file`;
  if (balanced) {
    return [
      `Proof: recomputed from the files, all ${count(proof.expected.length)} balances are right, no money appeared or`,
      `  vanished, and each of ${count(proved)} payments has one outcome${besides}.`,
    ];
  }
  const lines = ['PROOF FAILED: the books do not balance.'];
  if (!nothingReserved) lines.push('  money is still set aside for payments');
  lines.push(...someOf(proof.problems, shownProblems, 'problem', ({ rule, text }) => `${rule}: ${text}`));
  return lines;
}

function timeLines({ paid, payingMs, firstSettledMs }: Summary): string[] {
  if (paid === 0) return ['Nothing new was paid.'];
  const lines = [`${count(paid)} payments in ${seconds(payingMs)}: ${rate(paid, payingMs)} payments/s`];
  if (firstSettledMs !== undefined)
    lines.push(`First payment settled ${seconds(firstSettledMs)} after the process began`);
  return lines;
}

function someOf<T>(items: readonly T[], limit: number, what: string, textOf: (item: T) => string): string[] {
  const lines = items.slice(0, limit).map((item) => `  ${what}: ${textOf(item)}`);
  if (items.length > limit) lines.push(`  and ${count(items.length - limit)} more`);
  return lines;
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function rate(number: number, ms: number): string {
  return count(Math.round((number * 1_000) / Math.max(1, ms)));
}

const meanings: Readonly<Record<string, string>> = {
  AC01: 'unknown account',
  AC04: 'closed account',
  AM01: 'amount of zero',
  AM03: 'account in another currency',
  AM04: 'insufficient funds',
  AM05: 'duplicate',
  AM09: 'wrong total of the message',
  AM10: 'wrong control sum of the message',
  AM11: 'unknown currency',
  AM18: 'wrong number of transactions in the message',
  FF01: 'invalid format',
  RC01: 'unknown bank',
};

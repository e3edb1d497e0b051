/** The report of a run, for people: what was done, what it cost, and what must be zero. */
import type { Report } from './run.ts';

/** Whether nothing was lost, doubled or otherwise wrong. */
export function passed({ lost, doubled, problems }: Report): boolean {
  return lost.length + doubled.length + problems.length === 0;
}

const mostShown = 20;

export function reportText(report: Report): string {
  const { acts, lost, doubled, problems } = report;
  const width = Math.max(...acts.map(({ name }) => name.length), 'FAULT'.length);
  const row = (name: string, done: string, struck: string): string =>
    `${name.padEnd(width)}  ${done.padStart(4)}  ${struck.padStart(6)}`;
  const facts: ReadonlyArray<readonly [string, string | number]> = [
    ['payments given', report.given],
    ['accepted', report.accepted],
    ['settled', report.settled],
    ['refused', report.refused],
    ['restarts', report.restarts],
    ['requests made again', report.retries],
    ['longest stall', `${(report.longestStallMs / 1_000).toFixed(1)} s`],
    ['lost', lost.length],
    ['doubled', doubled.length],
    ['balances', problems.length === 0 ? 'right' : 'see below'],
  ];
  const wrong = [...lost.map((id) => `${id} was accepted and has no outcome`), ...doubled, ...problems];
  return [
    '',
    row('FAULT', 'DONE', 'STRUCK'),
    ...acts.map(({ name, done, struck }) => row(name, String(done), String(struck))),
    '',
    ...facts.map(([name, value]) => `${name.padEnd(20)} ${value}`),
    ...wrong.slice(0, mostShown).map((line) => `  ${line}`),
    ...(wrong.length > mostShown ? [`  and ${wrong.length - mostShown} more`] : []),
    passed(report)
      ? ''
      : `\nAgain: npm run chaos -- --minutes ${report.durationMs / 60_000} --seed ${report.seed}${report.clusterFlags}`,
  ].join('\n');
}

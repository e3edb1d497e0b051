/** Actors, traces and events as rows for people. */
import type { ActorAnswer, EventsAnswer, TraceAnswer } from './node-client.ts';

export function actorRows(actor: ActorAnswer, depth = 0): string[][] {
  const { path, uid, state, restarts, mailbox, waitMs, turnMs, children, below } = actor;
  const indent = '  '.repeat(depth);
  const name = `${indent}${path.slice(path.lastIndexOf('/') + 1)}`;
  const figures = [String(uid), String(restarts), String(mailbox), msText(waitMs), msText(turnMs)];
  const rows = [
    [name, state, ...figures, factsText(actor)],
    ...children.flatMap((child) => actorRows(child, depth + 1)),
  ];
  if (below !== undefined) rows.push([`${indent}  ... ${below} more`]);
  return rows;
}

export function traceRows(entries: TraceAnswer['entries']): string[][] {
  return entries.map(({ at, kind, waitMs, tookMs, waiting, outcome }) => [
    at.slice(11, 23),
    kind,
    exactText(waitMs),
    tookMs === undefined ? '' : exactText(tookMs),
    String(waiting),
    outcome,
  ]);
}

/** @param goesOn it was shown with its head before */
export function eventRows({ events, missed }: EventsAnswer, goesOn: boolean): string {
  const rows: [at: string, type: string, path: string, why: string, times: number][] = [];
  for (const { at, type, path, why = '' } of events) {
    const last = rows.at(-1);
    // A storm of dead letters is one line, and what happened beside it stays in sight.
    if (last?.[1] === type && last[2] === path && last[3] === why) last[4] += 1;
    else rows.push([at.slice(0, 23).replace('T', ' '), type, path, why, 1]);
  }
  const widths = [23, 11, 30];
  // Each page comes by itself, so the columns are as wide as most need, not as wide as the widest of a page.
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  const head = goesOn ? '' : line(['AT (UTC)', 'EVENT', 'ACTOR', 'WHY']);
  const told = missed > 0 ? `(${missed} events in between are not kept any more)\n` : '';
  return `${head}${told}${rows.map(([at, type, path, why, times]) => line([at, type, path, times > 1 ? `${why} (${times} times)` : why])).join('')}`;
}

function factsText({ facts = {}, lastFailure }: ActorAnswer): string {
  const told = Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== 0)
    .map(([key, value]) => `${key} ${String(value)}`);
  if (lastFailure !== undefined) told.push(`last failure: ${lastFailure}`);
  return told.join(', ');
}

function msText(ms: number): string {
  return ms === 0 ? '' : `${Math.ceil(ms)} ms`;
}

function exactText(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

/** A fault as one sentence, for people: logs, traces, `weir chaos list`. */
import type { Fault, ReadFault } from './fault.ts';
import { readFault } from './read-fault.ts';
import type { Aim } from './target.ts';

/**
 * `the acknowledgement of a write to shard 3 is lost, for 10 s, 3 times at most`
 * @throws WeirError `WEIR_FAULT_INVALID`
 */
export function describeFault(fault: Fault): string {
  return describeRead(readFault(fault));
}

/** The same, of one that has been read. */
export function describeRead(read: ReadFault): string {
  return [what(read), ...measures(read)].join(', ');
}

function what({ word, aim, when, byMs, drift, forMs }: ReadFault): string {
  switch (word) {
    case 'crash':
      if (aim.type === 'worker') return 'the worker dies';
      if (aim.type === 'actor') return `the actor ${aim.path} fails at its next turn`;
      return `the worker dies ${when} the next write to ${aimText(aim)} has taken effect`;
    case 'hang':
      return aim.type === 'actor' ? `the next turn of ${aim.path} does not settle` : 'the worker stands still';
    case 'slow':
      return `${work(aim)} takes ${spanText(byMs)} longer`;
    case 'lost-ack':
      return `the acknowledgement of ${work(aim)} is lost`;
    case 'torn-write':
      return 'the next write to the disk is cut in the middle, and the worker dies';
    case 'duplicate':
      return `${work(aim)} arrives twice`;
    case 'reorder':
      return `${work(aim)} is overtaken, or comes ${spanText(byMs)} late`;
    case 'lose':
      return `${work(aim)} never arrives`;
    case 'partition':
      return aim.type === 'log' ? 'the worker and the log are cut off from each other' : `${work(aim)} is cut off`;
    case 'clock-skew':
      return clockText(byMs, drift);
    case 'fenced-writer':
      return `another owner claims ${aim.type === 'log' ? 'every shard of the worker' : aimText(aim)} and keeps it for ${spanText(forMs ?? 0)}`;
    case 'full-disk':
      return 'the disk is full';
    case 'full-mailbox':
      return `the mailbox of ${aimText(aim)} is full`;
  }
}

/** What is struck each time. */
function work(aim: Aim): string {
  switch (aim.type) {
    case 'peers':
      return 'a message between members';
    case 'peer':
      return `a message from or to ${aim.name}`;
    default:
      return `a write to ${aimText(aim)}`;
  }
}

function aimText(aim: Aim): string {
  switch (aim.type) {
    case 'shard':
      return `shard ${aim.topic === undefined ? '' : `${aim.topic}/`}${aim.partition}`;
    case 'actor':
      return aim.path;
    case 'peer':
      return aim.name;
    default:
      return `the ${aim.type}`;
  }
}

function clockText(byMs: number, drift: number): string {
  const parts: string[] = [];
  if (byMs !== 0) parts.push(`the wall clock is ${spanText(Math.abs(byMs))} ${byMs > 0 ? 'fast' : 'slow'}`);
  if (drift !== 0)
    parts.push(`time runs ${Number((100 * Math.abs(drift)).toPrecision(6))} % too ${drift > 0 ? 'fast' : 'slow'}`);
  return parts.join(', ') || 'the clock is right';
}

function measures({ word, forMs, times, odds }: ReadFault): string[] {
  const told: string[] = [];
  if (forMs !== undefined && word !== 'fenced-writer') told.push(`for ${spanText(forMs)}`);
  if (times !== undefined && times > 1) told.push(`${times} times at most`);
  if (
    times === 1 &&
    (word === 'slow' || word === 'lost-ack' || word === 'duplicate' || word === 'reorder' || word === 'lose')
  ) {
    told.push('once');
  }
  if (odds < 1) told.push(`with odds of ${odds}`);
  return told;
}

/** `200 ms`, `1.5 s`, `5 min`, `2 h`. */
function spanText(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${ms / 1_000} s`;
  return ms < 7_200_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
}

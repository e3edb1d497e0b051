/** The events of a run for programs: one JSON object a line on standard output, told apart by `type`. */
import { writeSync } from 'node:fs';
import type { RunEvents, Summary } from './events.ts';

export function jsonEvents(): RunEvents {
  return {
    problem: (problem) => print('problem', problem),
    nodeStarted: ({ data, url, note }) => print('node', { data, url, note }),
    accountOpened: () => print('account', {}),
    accountsOpened: (opened, all) => print('accounts', { opened, all }),
    paying: (payments) => print('paying', { payments }),
    accepted: (id, created) => print('accepted', { id, created }),
    ended: (id, outcome) => print('ended', { id, outcome }),
    summary: (summary) => print('summary', plain(summary)),
    serving: (url) => print('serving', { url }),
    interrupted: (signal, left) => print('interrupted', { signal, left }),
    stopped: () => print('stopped', {}),
  };
}

/** Written at once: whoever reads a line knows that it is true, even if the process dies right behind it. */
function print(type: string, fields: object): void {
  const bytes = Buffer.from(`${JSON.stringify({ type, ...fields }, jsonValue)}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      // A pipe whose reader is slow is full for a moment; one without a reader has nobody to tell.
      if (codeOf(error) === 'EPIPE') return;
      if (codeOf(error) !== 'EAGAIN') throw error;
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}

/** JSON has no integers of any size and no maps. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function plain({ proof, ...rest }: Summary): object {
  const { problems, totals, settled, refused, balanced } = proof;
  return { ...rest, proof: { balanced, settled, refused, problems, totals } };
}

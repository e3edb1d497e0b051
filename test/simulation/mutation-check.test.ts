import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const script = 'simulation/mutation-check.ts';

/** Bugs that the first seeds show, each by another invariant. */
const fast = ['outbox-leaves-early', 'session-leaves-early', 'journal-kept-at-become', 'publications-reordered'];

interface Row {
  readonly id: string;
  readonly rounds: ReadonlyArray<{ readonly seeds: number; readonly invariant: string } | null>;
}

describe('npm run simulate:mutations', () => {
  it('TK5 finds a deliberate bug in the messages, sessions, journals and statuses, and says what caught it', async () => {
    const { stdout } = await run(process.execPath, [
      script,
      '--only',
      fast.join(),
      '--rounds',
      '1',
      '--seconds',
      '120',
      '--json',
    ]);
    const rows: readonly Row[] = JSON.parse(stdout);
    const caught = Object.fromEntries(rows.map(({ id, rounds }) => [id, rounds.map((round) => round?.invariant)]));
    expect(caught).toEqual({
      'outbox-leaves-early': ['messages between shards are conserved'],
      'session-leaves-early': ['sessions are exactly once'],
      'journal-kept-at-become': ['journals are immutable'],
      'publications-reordered': ['the audit is a chain of what was done'],
    });
  }, 300_000);

  it('TK5 refuses a bug that it does not know', async () => {
    const refused = run(process.execPath, [script, '--only', 'nope']);
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no mutation nope'),
    });
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';

const script = join(import.meta.dirname, '../fixtures/trading-node.ts');
const trades = 400;
const kills = 12;
const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

/** Runs the trading process; kills it after `lines` lines of output, if a number is given. Answers its summary. */
async function run(data: string, lines: number | undefined): Promise<string | undefined> {
  const child: ChildProcess = spawn(process.execPath, [script, data, String(trades)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no output to read');
  const ended = once(child, 'exit');
  let seen = 0;
  let summary: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    seen++;
    if (line.startsWith('summary ')) summary = line.slice('summary '.length);
    if (lines !== undefined && seen >= lines) {
      child.kill('SIGKILL');
      break;
    }
  }
  await ended;
  return summary;
}

describe('a node in a process of its own', () => {
  it('FE2 W8 is killed with SIGKILL in the middle of its work, again and again, and has each effect once', async () => {
    const data = await mkdtemp(join(tmpdir(), 'weir-sigkill-'));
    directories.push(data);
    const random = seededRandom(11);
    for (let kill = 0; kill < kills; kill++) {
      // Trades that are done are told again at once, so each run gets further than the one before.
      const already = Math.floor((trades * kill) / kills);
      const summary = await run(data, already + 1 + Math.floor(random.next() * 40));
      expect(summary, 'it was killed before it had finished').toBeUndefined();
    }
    const summary: unknown = JSON.parse((await run(data, undefined)) ?? '{}');
    expect(summary).toEqual({
      flows: expect.toSatisfy((flows: string[]) => flows.length === 2 * trades && new Set(flows).size === 2),
      cash: [String(7 * trades), trades],
      sales: [String(7 * trades), trades],
    });
    expect(new Set((summary as { flows: string[] }).flows)).toEqual(new Set(['buy COMPLETED', 'sell COMPLETED']));
  });
});

/** What somebody sees who runs `npm start`: the time until the first payment of the example has settled. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { progress } from './child.ts';

export interface FirstPaymentRun {
  /** From the start of `npm` to the line that says it. */
  readonly seenMs: number;
  /** From the start of the example's own process, as it prints it. */
  readonly firstSettledMs: number | undefined;
}

const example = new URL('../', import.meta.url).pathname;

export async function measure({ runs }: { readonly runs: number }): Promise<FirstPaymentRun[]> {
  const results: FirstPaymentRun[] = [];
  for (let run = 1; run <= runs; run++) {
    const result = await once();
    progress(`npm start, run ${run} of ${runs}: first payment settled after ${Math.round(result.seenMs)} ms`);
    results.push(result);
  }
  return results;
}

async function once(): Promise<FirstPaymentRun> {
  const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const begin = performance.now();
  const args = ['start', '--silent', '--', '--data', data, '--no-serve', '--json'];
  const child = spawn('npm', args, { cwd: example, stdio: ['ignore', 'pipe', 'inherit'] });
  let seenMs: number | undefined;
  let firstSettledMs: number | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const event: unknown = JSON.parse(line);
    if (typeof event !== 'object' || event === null || !('type' in event)) continue;
    if (event.type === 'ended' && 'outcome' in event && isSettled(event.outcome)) seenMs ??= performance.now() - begin;
    if (event.type === 'summary' && 'firstSettledMs' in event) firstSettledMs = Number(event.firstSettledMs);
  }
  await rm(data, { recursive: true, force: true });
  if (seenMs === undefined) throw new Error('no payment of the example has settled');
  return { seenMs, firstSettledMs };
}

function isSettled(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'type' in outcome && outcome.type === 'settled';
}

/** The pause at kill -9: from SIGKILL of a busy node's process to the first flow that settles after the restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { ended, forkModule, nextMessage, progress } from './child.ts';

export interface KillSettings {
  readonly runs: number;
  /** How long the node works between two kills, in milliseconds. */
  readonly busyMs: number;
}

export interface KillRun {
  readonly pauseMs: number;
  /** Of these, from the beginning of the new process's own code to a node that is ready. */
  readonly startMs: number;
}

/** What `busy-node.ts` says: once, when its first flow has settled. */
export interface FirstSettled {
  readonly startMs: number;
}

export async function measure({ runs, busyMs }: KillSettings): Promise<KillRun[]> {
  const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const results: KillRun[] = [];
  let node = forkModule('busy-node.ts', [data]);
  await nextMessage<FirstSettled>(node);
  for (let run = 1; run <= runs; run++) {
    await pause(busyMs);
    const at = performance.now();
    node.kill('SIGKILL');
    await ended(node);
    node = forkModule('busy-node.ts', [data]);
    const { startMs } = await nextMessage<FirstSettled>(node);
    const pauseMs = performance.now() - at;
    progress(`kill -9, run ${run} of ${runs}: ${Math.round(pauseMs)} ms`);
    results.push({ pauseMs, startMs });
  }
  node.kill('SIGKILL');
  await ended(node);
  await rm(data, { recursive: true, force: true });
  return results;
}

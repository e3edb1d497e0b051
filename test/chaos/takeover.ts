/** How long the shards of a worker that is killed stand still, by what the others tell of them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import { shardsAt } from './trial.ts';

/** Time over which a takeover is not seen. */
const everyMs = 10;

/** Resolves when every shard runs, and none of them where it was, with the milliseconds since. */
export async function takeoverFrom(victim: WorkerUnderTest, asked: WorkerUnderTest): Promise<number> {
  const at = performance.now();
  for (;;) {
    const shards = await shardsAt(asked);
    if (shards.every(({ worker, phase }) => phase === 'running' && worker !== victim.name)) break;
    await pause(everyMs);
  }
  return performance.now() - at;
}

/** All of them, and what is said of such times. */
export function takeoversText(name: string, times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string => rounded(sorted[Math.ceil(part * sorted.length) - 1] ?? 0);
  const all = times.map(rounded).join(' ');
  return `takeovers, ${name}, ms: ${all}; p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`;
}

function rounded(ms: number): string {
  return String(Math.round(ms));
}

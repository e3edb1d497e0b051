/** One start on a directory full of suspended flows, two days later: all of them wake as soon as they are there. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { factsOf, withNodeOn } from './bench-node.ts';
import { usage } from './load.ts';
import type { RestoreSettings } from './restore.ts';
import { sleepersIn, type WokenRun } from './suspended.ts';

const laterMs = 2 * 24 * 60 * 60 * 1_000;

export async function measure({ data }: Pick<RestoreSettings, 'data'>): Promise<WokenRun> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const { cpuMs } = usage();
  // Ended flows are kept, as ever: the retention of a node that was down for so long runs from now.
  const settings = { ...sleepersIn(data), aheadMs: laterMs, retention: '7 days' } as const;
  return withNodeOn(settings, async ({ node, restoredAt }) => {
    while (factsOf(node, 'flows') > 0) await pause(20);
    const finishedMs = performance.now() - restoredAt;
    return { finishedMs, cpuMs: usage().cpuMs - cpuMs, longestTurnMs: delays.max / 1e6 };
  });
}

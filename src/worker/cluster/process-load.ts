/** What this process uses of its machine: the part of one core since it was last asked, and its memory. */
import type { Clock } from '../../ports/index.ts';
import type { Heartbeat } from './records.ts';

export function processLoad(clock: Clock): () => Heartbeat['load'] {
  let before = { at: clock.monotonic(), usage: process.cpuUsage() };
  return () => {
    const at = clock.monotonic();
    const used = process.cpuUsage(before.usage);
    const cpu = (used.user + used.system) / 1_000 / Math.max(1, at - before.at);
    before = { at, usage: process.cpuUsage() };
    return { cpu: Math.round(cpu * 100) / 100, memoryBytes: process.memoryUsage.rss() };
  };
}

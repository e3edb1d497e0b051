/**
 * A closed load: so many clients, each of which starts its next flow when its last one has answered.
 * Owns what is measured of it, in the same way for Weir and for its peers.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface Load {
  readonly flows: number;
  readonly flowsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Runs `once` `flows` times, `inFlight` at a time; the latency is that of one whole call. */
export async function load(flows: number, inFlight: number, once: (n: number) => Promise<void>): Promise<Load> {
  const latencies: number[] = [];
  let started = 0;
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (started < flows) {
      const n = started++;
      const at = performance.now();
      await once(n);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  const seconds = (performance.now() - begin) / 1_000;
  latencies.sort((a, b) => a - b);
  return { flows, flowsPerSecond: flows / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

function quantile(sorted: readonly number[], at: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? 0;
}

/** Processor time that this process has used, in milliseconds, and the bytes that it has written. */
export interface Usage {
  readonly cpuMs: number;
  /** Undefined where the system does not tell. */
  readonly written: number | undefined;
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, written: bytesWritten() };
}

/** What was handed to the system in writes: the store's log, its tables, and their compaction. */
function bytesWritten(): number | undefined {
  try {
    const found = /^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    // Only Linux has it; the figure is left out elsewhere.
    return undefined;
  }
}

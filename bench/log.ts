/**
 * The embedded log alone: commits and records a second, latency of a commit, and what a record costs the event loop,
 * which it shares with the flows. Runs alone too: `node bench/log.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { silentLogger, systemClock } from '../src/ports/index.ts';
import { type Claim, type Log, openEmbeddedLog } from '../src/transport/log/index.ts';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const valueBytes = 200;
const measureMs = 2_000;

/** Measures the embedded log in a fresh directory, and removes it. */
export async function logBench(): Promise<Measurement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    const log = await openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger });
    await log.ensureTopics([{ name: 'flow.state', partitions: 64, kind: 'state' }]);
    const results: Measurement[] = [];
    for (const [shards, records] of [
      [1, 1],
      [1, 100],
      [8, 1],
      [8, 100],
    ] as const) {
      results.push(...(await measure(log, shards, records)));
    }
    await log.close();
    const start = performance.now();
    const again = await openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger });
    results.push({ name: 'log: open with a full check', value: round(performance.now() - start), unit: 'ms' });
    await again.close();
    return results;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(log: Log, shards: number, records: number): Promise<Measurement[]> {
  const claims = await Promise.all(
    Array.from({ length: shards }, (_, partition) => log.claim({ topic: 'flow.state', partition })),
  );
  const latencies: number[] = [];
  const start = performance.now();
  const before = performance.eventLoopUtilization();
  await Promise.all(claims.map((claim) => commitUntil(claim, records, start + measureMs, latencies)));
  const elapsed = performance.now() - start;
  const { active } = performance.eventLoopUtilization(before);
  const puts = latencies.length * records;
  const name = `log: ${shards} x ${records}`;
  return [
    { name: `${name}, commits`, value: round(latencies.length / (elapsed / 1_000)), unit: '1/s' },
    { name: `${name}, records`, value: round(puts / (elapsed / 1_000)), unit: '1/s' },
    { name: `${name}, commit p50`, value: round(quantile(latencies, 0.5)), unit: 'ms' },
    { name: `${name}, commit p99`, value: round(quantile(latencies, 0.99)), unit: 'ms' },
    { name: `${name}, event loop`, value: round((active * 1_000) / puts), unit: 'us/record' },
  ];
}

async function commitUntil(claim: Claim, count: number, end: number, latencies: number[]): Promise<void> {
  const value = Buffer.alloc(valueBytes, 'v');
  for (let n = 0; performance.now() < end; ) {
    const records = Array.from({ length: count }, () => ({ key: `c/${(n++ * 2_654_435_761) % 1_000_000}`, value }));
    const start = performance.now();
    await claim.commit({ records, publications: [] });
    latencies.push(performance.now() - start);
  }
}

function quantile(values: readonly number[], at: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * at)] ?? 0;
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 1_000) / 1_000;
}

if (import.meta.main) console.table(await logBench());

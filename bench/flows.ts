/** The three-step flow, embedded and in process: flows/s, latency, CPU and what one flow costs in commits and bytes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Node, silentLogger, startNode } from '../src/index.ts';
import { hundredBytes, threeStep } from './three-step.ts';

export interface Run {
  readonly flowsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMsPerFlow: number;
}

/** Runs `total` flows, `inFlight` at a time. */
export async function runFlows(node: Node, total: number, inFlight: number): Promise<Run> {
  const latencies: number[] = [];
  let started = 0;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (started < total) {
      started++;
      const at = performance.now();
      const handle = await node.start('BENCH', threeStep, hundredBytes);
      await handle.result();
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  const seconds = (performance.now() - begin) / 1_000;
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    flowsPerSecond: total / seconds,
    p50: at(0.5),
    p99: at(0.99),
    cpuMsPerFlow: (used.user + used.system) / 1_000 / total,
  };
}

export async function withNode<T>(run: (node: Node) => Promise<T>): Promise<T> {
  const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const node = await startNode({ members: { BENCH: { flows: [threeStep] } }, data, logger: silentLogger });
  try {
    return await run(node);
  } finally {
    await node.stop();
    await rm(data, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  await withNode(async (node) => {
    await runFlows(node, 3_000, 100);
    for (const inFlight of process.env.INFLIGHT ? [Number(process.env.INFLIGHT)] : [1, 100, 100, 100]) {
      const run = await runFlows(node, inFlight === 1 ? 500 : 20_000, inFlight);
      console.log(inFlight, JSON.stringify(run));
    }
  });
}

/** The three-step flow, embedded and in process: flows/s, latency, and what one flow costs in CPU, commits and bytes. */
import { type Node, silentLogger, startNode } from '../src/index.ts';
import { factsOf, withDirectory } from './bench-node.ts';
import { progress } from './child.ts';
import { type Load, load, usage } from './load.ts';
import { hundredBytes, threeStep } from './three-step.ts';

export interface FlowsSettings {
  readonly runs: number;
  readonly flows: number;
  readonly inFlight: number;
  /** Flows before the first run that count for nothing: the compiler's share. */
  readonly warmUp: number;
}

export interface FlowsRun extends Load {
  readonly cpuMsPerFlow: number;
  /** Batches that shards committed; flows of one shard share them. */
  readonly commitsPerFlow: number;
  readonly bytesPerFlow: number | undefined;
}

/** Runs one after the other, on one node with a fresh directory. */
export async function measure({ runs, flows, inFlight, warmUp }: FlowsSettings): Promise<FlowsRun[]> {
  return withNode(async (node) => {
    await load(warmUp, inFlight, () => oneFlow(node));
    const results: FlowsRun[] = [];
    for (let run = 1; run <= runs; run++) {
      const result = await runFlows(node, flows, inFlight);
      progress(`${inFlight} in flight, run ${run} of ${runs}: ${Math.round(result.flowsPerSecond)} flows/s`);
      results.push(result);
    }
    return results;
  });
}

export async function oneFlow(node: Node): Promise<void> {
  const handle = await node.start('BENCH', threeStep, hundredBytes);
  await handle.result();
}

async function runFlows(node: Node, flows: number, inFlight: number): Promise<FlowsRun> {
  const before = { ...usage(), commits: factsOf(node, 'commits') };
  const run = await load(flows, inFlight, () => oneFlow(node));
  const after = { ...usage(), commits: factsOf(node, 'commits') };
  const { written } = before;
  return {
    ...run,
    cpuMsPerFlow: (after.cpuMs - before.cpuMs) / flows,
    commitsPerFlow: (after.commits - before.commits) / flows,
    bytesPerFlow: written === undefined ? undefined : ((after.written ?? 0) - written) / flows,
  };
}

async function withNode<T>(run: (node: Node) => Promise<T>): Promise<T> {
  return withDirectory(async (data) => {
    const node = await startNode({ members: { BENCH: { flows: [threeStep] } }, data, logger: silentLogger });
    try {
      return await run(node);
    } finally {
      await node.stop();
    }
  });
}

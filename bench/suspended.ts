/** Suspended flows: how long a node takes to have them back after a start, and the memory that each of them holds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { flow, silentLogger } from '../src/index.ts';
import { systemClock, systemRandom } from '../src/ports/index.ts';
import { openEmbeddedLog } from '../src/transport/log/index.ts';
import { loopbackTransport } from '../src/transport/peer/index.ts';
import { createNode, type Node } from '../src/worker/node.ts';
import { measureApart, progress } from './child.ts';
import { load } from './load.ts';
import { hundredBytes } from './three-step.ts';

const sleeper = flow('sleeper', {
  version: 1,
  states: { start: z.object({ data: z.string() }) },
  result: z.string(),
  stages: {
    *start({ data }, { sleep }) {
      yield* sleep('1 day');
      return data;
    },
  },
});

export interface SuspendedSettings {
  readonly runs: number;
  readonly flows: number;
}

export interface SuspendedRun {
  /** Opening the log, which reads and checks every table. */
  readonly openMs: number;
  /** From the claim of the shard until it has all flows and their timers again. */
  readonly restoreMs: number;
  /** From the beginning of the start to a node that is ready. */
  readonly readyMs: number;
  readonly heapBytesPerFlow: number | undefined;
}

/** Fills a directory with suspended flows of one shard, and starts on it again and again. */
export async function measure({ runs, flows }: SuspendedSettings): Promise<SuspendedRun[]> {
  const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    await withShard(data, async ({ node }) => {
      await load(flows, 500, async (n) => {
        if (n % 25_000 === 0) progress(`suspended flows: ${n} of ${flows} started`);
        await node.start('BENCH', sleeper, hundredBytes);
      });
    });
    const results: SuspendedRun[] = [];
    for (let run = 1; run <= runs; run++) {
      const result = await measureApart<SuspendedRun>('restore.ts', { data, flows });
      progress(`suspended flows, start ${run} of ${runs}: restored in ${Math.round(result.restoreMs)} ms`);
      results.push(result);
    }
    return results;
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

export interface StartedShard {
  readonly node: Node;
  readonly openMs: number;
  readonly restoreMs: number;
  readonly readyMs: number;
}

/** A node of one shard, and how long each part of its start took. */
export async function withShard<T>(data: string, run: (started: StartedShard) => Promise<T>): Promise<T> {
  const clock = systemClock();
  const random = systemRandom();
  const marks = new Map<string, number>();
  const begin = performance.now();
  const log = await openEmbeddedLog({ directory: data, clock, logger: silentLogger });
  const openMs = performance.now() - begin;
  const node = await createNode(
    { members: { BENCH: { flows: [sleeper] } }, shards: 1 },
    { log, clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
    undefined,
    { crashPoint: (point) => void marks.set(point, marks.get(point) ?? performance.now()) },
  );
  const readyMs = performance.now() - begin;
  const restoreMs = (marks.get('restored') ?? 0) - (marks.get('claimed') ?? 0);
  try {
    return await run({ node, openMs, restoreMs, readyMs });
  } finally {
    await node.stop();
  }
}

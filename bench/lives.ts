/**
 * Flows in a row that end and are forgotten, and what they leave behind: in the heap, on disk, and of open handles.
 * The windows in which ended flows and their audit are kept are as short as they may be.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { flow } from '../src/index.ts';
import type { Node } from '../src/worker/node-parts.ts';
import { sizeOf } from '../test/rig/size-of.ts';
import { factsOf, usedBytes, withDirectory, withNodeOn } from './bench-node.ts';
import { progress } from './child.ts';
import { load } from './load.ts';
import { hundredBytes } from './three-step.ts';

const brief = flow('brief', {
  version: 1,
  states: { start: z.object({ data: z.string() }) },
  result: z.string(),
  stages: {
    *start({ data }, { step }) {
      return yield* step('only', () => data);
    },
  },
});

export interface LivesSettings {
  readonly flows: number;
  /** Flows whose traces are there when the first look is taken: code, caches and tables that the first ones make. */
  readonly warmUp: number;
  readonly inFlight: number;
}

export interface LivesRun {
  readonly flowsPerSecond: number;
  /** What the flows left, in MiB; undefined without `--expose-gc`. */
  readonly heapGrown: number | undefined;
  readonly diskBefore: number;
  readonly diskGrown: number;
  /** Open files, sockets and timers more than before; undefined where the system does not tell. */
  readonly handlesGrown: number | undefined;
}

const mebibyte = 2 ** 20;
/** The store gives space back when nobody has written for 5 s. */
const spaceIsBackMs = 8_000;

export async function measure({ flows, warmUp, inFlight }: LivesSettings): Promise<LivesRun> {
  return withDirectory(async (data) => {
    const windows = { retention: '30 s', audit: '30 s', redeliver: '30 s' } as const;
    return withNodeOn({ data, flows: [brief], ...windows }, async ({ node }) => {
      const live = async (count: number) => {
        const result = await load(count, inFlight, async (n) => {
          if (n > 0 && n % 100_000 === 0) progress(`flows in a row: ${n} of ${count}`);
          await (await node.start('BENCH', brief, hundredBytes)).result();
        });
        await forgotten(node);
        await pause(spaceIsBackMs);
        return result;
      };
      await live(warmUp);
      const before = await left(data);
      const { flowsPerSecond } = await live(flows);
      const after = await left(data);
      return {
        flowsPerSecond,
        heapGrown: grown(before.heap, after.heap, mebibyte),
        diskBefore: before.disk / mebibyte,
        diskGrown: (after.disk - before.disk) / mebibyte,
        handlesGrown: grown(before.handles, after.handles, 1),
      };
    });
  });
}

/** Resolves when the node knows of no flow any more, and nothing of what was done to them. */
async function forgotten(node: Node): Promise<void> {
  while (['remembered', 'known', 'audit'].some((name) => factsOf(node, name) > 0)) await pause(250);
}

async function left(data: string) {
  return { heap: await usedBytes(), disk: await sizeOf(data), handles: handles() };
}

function grown(before: number | undefined, after: number | undefined, unit: number): number | undefined {
  return before === undefined || after === undefined ? undefined : (after - before) / unit;
}

function handles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length + process.getActiveResourcesInfo().length;
  } catch {
    // Only Linux has it; the figure is left out elsewhere.
    return undefined;
  }
}

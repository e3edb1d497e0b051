/**
 * Suspended flows: how long a node takes to have them back after a start, the memory that each of them holds beyond its
 * records, and how long it takes until all have finished when they wake at the same moment.
 */
import { z } from 'zod';
import { flow } from '../src/index.ts';
import { type BenchNodeSettings, withDirectory, withNodeOn } from './bench-node.ts';
import { checkpointsOf } from './checkpoints.ts';
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

/** A node of one shard on the directory with the sleepers. */
export function sleepersIn(data: string): BenchNodeSettings {
  return { data, flows: [sleeper], shards: 1 };
}

export interface SuspendedSettings {
  readonly runs: number;
  readonly flows: number;
}

export interface RestoreRun {
  readonly openMs: number;
  readonly restoreMs: number;
  readonly readyMs: number;
  readonly readyCpuMs: number;
  readonly bytesPerFlow: number | undefined;
}

export interface WokenRun {
  /** From the restore of the shard, when the time of all had come, until none was left. */
  readonly finishedMs: number;
  /** Processor time of the whole process, the start included, in milliseconds. */
  readonly cpuMs: number;
  /** Longest time for which the event loop did nothing else. */
  readonly longestTurnMs: number;
}

export interface SuspendedResult {
  readonly restores: readonly RestoreRun[];
  readonly woken: WokenRun;
  /** Of one flow: head and journal, without keys. */
  readonly checkpointBytes: number;
  /** Of one flow: its status, as clients are told. */
  readonly statusBytes: number;
}

/** Fills a directory with suspended flows of one shard, starts on it again and again, and wakes them in the end. */
export async function measure({ runs, flows }: SuspendedSettings): Promise<SuspendedResult> {
  return withDirectory(async (data) => {
    await withNodeOn(sleepersIn(data), async ({ node }) => {
      await load(flows, 500, async (n) => {
        if (n % 25_000 === 0) progress(`suspended flows: ${n} of ${flows} started`);
        await node.start('BENCH', sleeper, hundredBytes);
      });
    });
    const { checkpointBytes, statusBytes } = await checkpointsOf(data, 0);
    const restores: RestoreRun[] = [];
    for (let run = 1; run <= runs; run++) {
      const result = await measureApart<RestoreRun>('restore.ts', { data, flows });
      progress(`suspended flows, start ${run} of ${runs}: restored in ${Math.round(result.restoreMs)} ms`);
      restores.push(result);
    }
    const woken = await measureApart<WokenRun>('woken.ts', { data });
    progress(`suspended flows: all finished ${Math.round(woken.finishedMs)} ms after they woke`);
    return { restores, woken, checkpointBytes, statusBytes };
  });
}

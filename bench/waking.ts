/**
 * Waking a flow that memory holds as the bytes of its checkpoint: a signal comes, its stage is rebuilt from the journal
 * of the visit, takes the signal, and waits again. Beside it, how large that checkpoint is.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { flow } from '../src/index.ts';
import { factsOf, withDirectory, withNodeOn } from './bench-node.ts';
import { checkpointsOf } from './checkpoints.ts';
import { progress } from './child.ts';
import { medianOf } from './figures.ts';
import { usage } from './load.ts';
import { hundredBytes } from './three-step.ts';

const way = z.object({ left: z.int(), perVisit: z.int(), data: z.string() });

/** Goes so many steps, so many in each visit, and waits in the last one to be woken again and again. */
const traveller = flow('traveller', {
  version: 1,
  states: { start: way },
  result: z.null(),
  signals: { wake: z.null() },
  stages: {
    *start({ left, perVisit, data }, { step, signal, become }) {
      for (let n = 0; n < perVisit; n++) yield* step('step', () => n);
      if (left > perVisit) return become('start', { left: left - perVisit, perVisit, data });
      for (;;) yield* signal('wake');
    },
  },
});

export interface WakingSettings {
  readonly runs: number;
  /** Steps of each flow before it waits. */
  readonly steps: number;
  readonly perVisit: number;
  /** Flows that are woken in turn, so that each of them has grown cold again. */
  readonly flows: number;
  readonly wakes: number;
}

export interface WakingRun {
  /** From the signal until it is durable and the flow waits again. */
  readonly wakeMs: number;
  readonly cpuMs: number;
  /** Of the checkpoint, beyond the state in it. */
  readonly checkpointBytes: number;
}

export async function measure({ runs, steps, perVisit, flows, wakes }: WakingSettings): Promise<WakingRun[]> {
  return withDirectory(async (data) => {
    const settings = { data, flows: [traveller], shards: 1, maxHotFlows: 1 };
    const measured = await withNodeOn(settings, async ({ node }) => {
      const names = Array.from({ length: flows }, (_, n) => ({ member: 'BENCH', clientRequestId: `traveller-${n}` }));
      const input = { left: steps, perVisit, ...hundredBytes };
      for (const { clientRequestId } of names) await node.start('BENCH', traveller, input, { clientRequestId });
      for (const name of names) while ((await node.describe(name)).waitingOn?.what !== 'signal') await setImmediate();
      progress(`${steps} steps, ${perVisit} a visit: gone`);
      const wake = async (n: number): Promise<void> => {
        const name = names[n % flows];
        if (name !== undefined) await node.signal(traveller, name, 'wake', null, { signalId: `signal-${n}` });
      };
      let signals = 0;
      for (; signals < wakes; signals++) await wake(signals);
      const results: Array<Omit<WakingRun, 'checkpointBytes'>> = [];
      for (let run = 0; run < runs; run++) {
        if (factsOf(node, 'cold') < flows - 1) throw new Error('flows that were to be woken are not cold');
        const times: number[] = [];
        const { cpuMs } = usage();
        for (const end = signals + wakes; signals < end; signals++) {
          const at = performance.now();
          await wake(signals);
          times.push(performance.now() - at);
        }
        results.push({ wakeMs: medianOf(times), cpuMs: (usage().cpuMs - cpuMs) / wakes });
      }
      return results;
    });
    const { checkpointBytes, stateBytes } = await checkpointsOf(data, 0);
    return measured.map((run) => ({ ...run, checkpointBytes: checkpointBytes - stateBytes }));
  });
}

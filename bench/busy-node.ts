/** A node that always has 100 flows in flight, until somebody kills it. Tells when its first flow has settled. */
import { performance } from 'node:perf_hooks';
import { silentLogger, startNode } from '../src/index.ts';
import { tell } from './child.ts';
import { oneFlow } from './flows.ts';
import type { FirstSettled } from './kill.ts';
import { threeStep } from './three-step.ts';

const [, , data = ''] = process.argv;
const begin = performance.now();
// A node whose bench has died must not stay.
process.on('disconnect', () => process.exit(1));
const node = await startNode({ members: { BENCH: { flows: [threeStep] } }, data, logger: silentLogger });
const startMs = performance.now() - begin;
let settled = 0;

const client = async (): Promise<never> => {
  for (;;) {
    await oneFlow(node);
    if (settled++ === 0) tell({ startMs } satisfies FirstSettled);
  }
};
await Promise.all(Array.from({ length: 100 }, client));

/** A node with HTTP in a process of its own: tells its address, then its usage whenever it is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, startNode } from '../src/index.ts';
import { tell } from './child.ts';
import { usage } from './load.ts';
import { threeStep } from './three-step.ts';

const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
const members = { BENCH: { flows: [threeStep] } };
const node = await startNode({ members, data, logger: silentLogger, http: { port: 0 } });
const stop = async (): Promise<void> => {
  process.off('disconnect', stop);
  await node.stop();
  await rm(data, { recursive: true, force: true });
  if (process.connected) process.disconnect();
};
// A node whose bench has died must not stay.
process.on('disconnect', stop);
process.on('message', (question) => {
  if (question === 'usage') tell(usage());
  else void stop();
});
tell({ url: node.url });

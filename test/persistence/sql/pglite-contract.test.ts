import { afterAll, beforeAll } from 'vitest';
import { openPglite } from '../../../src/persistence/index.ts';
import { systemClock } from '../../../src/ports/index.ts';
import { sqlContract } from '../../../src/testing/contracts/index.ts';
import { endableThread, pgliteDirectories } from './support.ts';

const directories = pgliteDirectories();
beforeAll(() => directories.make());
afterAll(() => directories.remove());

sqlContract('pglite', async (settings) => {
  const thread = endableThread();
  const directory = directories.fresh();
  const sql = await openPglite({ ...settings, directory, clock: systemClock(), startThread: thread.startThread });
  return {
    sql,
    connections: 1,
    secrets: [],
    breakConnection: thread.end,
    dispose: () => sql.close(),
  };
});

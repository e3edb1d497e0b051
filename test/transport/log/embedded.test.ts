import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../../../src/ports/index.ts';
import { logContract } from '../../../src/testing/log-contract.ts';
import { openEmbeddedLog } from '../../../src/transport/log/index.ts';

logContract('embedded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-log-'));
  const open = () => openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger, reserveBytes: 0 });
  let log = await open();
  return {
    log,
    reopen: async () => {
      await log.close();
      log = await open();
      return log;
    },
    dispose: async () => {
      await log.close();
      await rm(directory, { recursive: true });
    },
  };
});

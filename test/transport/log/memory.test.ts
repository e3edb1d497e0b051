import { systemClock, systemRandom } from '../../../src/ports/index.ts';
import { logContract } from '../../../src/testing/log-contract.ts';
import { memoryCluster } from '../../../src/transport/log/index.ts';

logContract('memory', async () => {
  const cluster = memoryCluster({ clock: systemClock(), random: systemRandom() });
  return {
    log: cluster.worker('one'),
    second: async () => cluster.worker('two'),
    reopen: async () => {
      await cluster.worker('one').close();
      return cluster.worker('one');
    },
    dispose: async () => undefined,
  };
});

/** The contract of the log port, on the model of a broker. */
import { silentLogger, systemClock, systemRandom } from '../../../../src/ports/index.ts';
import { logContract } from '../../../../src/testing/contracts/index.ts';
import { kafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { modelBroker } from '../../../../src/transport/log/kafka/model/index.ts';

logContract('kafka on the model of a broker', async () => {
  const clock = systemClock();
  const random = systemRandom();
  const broker = modelBroker({ clock, random, initialRebalanceDelayMs: 0 });
  const open = (worker: string) =>
    kafkaLog({ wire: broker.connect(worker), clock, random, logger: silentLogger, worker });
  const logs = [open('one')];
  const reopen = async () => {
    await logs[0]?.close();
    return open('one');
  };
  return {
    log: logs[0] ?? open('one'),
    second: async () => open('two'),
    reopen,
    dispose: async () => undefined,
  };
});

/** The clusters there are: one worker on the embedded log, and several on Kafka; each with a market to work on. */
import { join } from 'node:path';
import type { BrokersUnderTest, ClusterUnderTest, WorkerExit } from './cluster.ts';
import { freePort, type MarketPlace, prepareMarket } from './market.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PreparedMarket {
  readonly place: MarketPlace;
  readonly cluster: ClusterUnderTest;
}

/** One worker on the embedded log, all of it in `folder`. */
export async function embeddedMarket(folder: string): Promise<PreparedMarket> {
  const place = { folder };
  const command = ['up', '--config', await prepareMarket(place)];
  return { place, cluster: clusterOf(undefined, (told) => [new WorkerProcess('worker-0', command, told)]) };
}

/**
 * Several workers of one node on brokers that run; each has a data directory and a port of its own.
 * @param options `atFirst`: so many are started with the cluster, the others by whoever scales it; `prefix`: a market of
 *   its own on brokers that have others
 */
export async function kafkaMarket(
  folder: string,
  brokers: BrokersUnderTest,
  count: number,
  { atFirst = count, prefix = 'chaos.' }: { readonly atFirst?: number; readonly prefix?: string } = {},
): Promise<PreparedMarket> {
  const addresses = brokers.brokers;
  const replication = addresses.length;
  const minInsyncReplicas = replication > 1 ? 2 : 1;
  const place = { folder, kafka: { brokers: addresses, prefix, replication, minInsyncReplicas } };
  const file = await prepareMarket(place);
  const workers = await Promise.all(
    Array.from({ length: count }, async (_, index) => ({ name: `worker-${index}`, port: await freePort() })),
  );
  const cluster = clusterOf(
    brokers,
    (told) =>
      workers.map(({ name, port }) => {
        const flags = ['--name', name, '--config', file, '--data', join(folder, name), '--port', String(port)];
        return new WorkerProcess(name, ['worker', ...flags], told);
      }),
    atFirst,
  );
  return { place, cluster };
}

function clusterOf(
  brokers: BrokersUnderTest | undefined,
  make: (told: (exit: WorkerExit) => void) => readonly WorkerProcess[],
  atFirst?: number,
): ClusterUnderTest {
  const listeners: Array<(exit: WorkerExit) => void> = [];
  const workers = make((exit) => {
    for (const listener of listeners) listener(exit);
  });
  return {
    ...{ workers, brokers },
    start: async () => void (await Promise.all(workers.slice(0, atFirst).map((worker) => worker.start()))),
    onExit: (listener) => void listeners.push(listener),
    stop: async () => void (await Promise.all(workers.map((worker) => worker.stop()))),
    destroy: () => workers.forEach((worker) => void worker.destroy()),
  };
}

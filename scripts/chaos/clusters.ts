/** The clusters there are: one worker on the embedded log, and several on Kafka; each with a market to work on. */
import { join } from 'node:path';
import type { BrokersUnderTest, ClusterUnderTest, WorkerExit } from './cluster.ts';
import { configure, freePort, type MarketPlace, prepareMarket } from './market.ts';
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

export interface KafkaMarketOptions {
  /** So many are started with the cluster, the others by whoever scales it. Default: all. */
  readonly atFirst?: number;
  /** A market of its own on brokers that have others. Default `chaos.` */
  readonly prefix?: string;
  /** Where workers that do not reach the brokers straight find them, by the worker's number. Default: all go straight. */
  readonly detours?: ReadonlyMap<number, readonly string[]>;
  /** Replicas of each topic, and how many must have a commit. Default: as many as there are brokers; two, if there are. */
  readonly replicas?: { readonly replication: number; readonly minInsyncReplicas: number };
}

/** Several workers of one node on brokers that run; each has a data directory and a port of its own. */
export async function kafkaMarket(
  folder: string,
  brokers: BrokersUnderTest,
  count: number,
  options: KafkaMarketOptions = {},
): Promise<PreparedMarket> {
  const { brokers: addresses } = brokers;
  const { atFirst = count, prefix = 'chaos.', detours = new Map() } = options;
  const { replicas = { replication: addresses.length, minInsyncReplicas: addresses.length > 1 ? 2 : 1 } } = options;
  const kafka = { brokers: addresses, prefix, ...replicas };
  const place = { folder, kafka };
  const straight = await prepareMarket(place);
  const workers = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const name = `worker-${index}`;
      const detour = detours.get(index);
      const file =
        detour === undefined
          ? straight
          : await configure({ folder, kafka: { ...kafka, brokers: detour } }, `${name}.yaml`);
      return { name, file, port: await freePort() };
    }),
  );
  const cluster = clusterOf(
    brokers,
    (told) =>
      workers.map(({ name, file, port }) => {
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

/** The clusters there are: one worker on the embedded log, and several on Kafka; each with a market to work on. */
import { join } from 'node:path';
import type { BrokersUnderTest, ClusterUnderTest, SingleWorker, WorkerExit, WorkerUnderTest } from './cluster.ts';
import { configure, freePort, type MarketPlace, prepareMarket } from './market.ts';
import { ParentProcess } from './parent-process.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PreparedMarket<Worker extends WorkerUnderTest = WorkerUnderTest> {
  readonly place: MarketPlace;
  readonly cluster: ClusterUnderTest<Worker>;
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
): Promise<PreparedMarket<SingleWorker>> {
  const { atFirst = count, detours = new Map() } = options;
  const kafka = connectionTo(brokers, options);
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

/** Workers of one parent, which starts them and those that die again, and makes the dead leave their groups at once. */
export async function parentMarket(
  folder: string,
  brokers: BrokersUnderTest,
  count: number,
  options: Pick<KafkaMarketOptions, 'prefix' | 'replicas'> = {},
): Promise<PreparedMarket> {
  const place = { folder, kafka: connectionTo(brokers, options) };
  const flags = ['--config', await prepareMarket(place), '--data', join(folder, 'workers'), '--port', '0'];
  const exits = new Exits();
  const parent = new ParentProcess(count, flags, exits.tell);
  const cluster = {
    ...{ workers: parent.workers, brokers, onExit: exits.onExit },
    ...{ start: () => parent.start(), stop: () => parent.stop(), destroy: () => parent.destroy() },
  };
  return { place, cluster };
}

function connectionTo({ brokers }: BrokersUnderTest, { prefix = 'chaos.', replicas }: KafkaMarketOptions) {
  const usual = { replication: brokers.length, minInsyncReplicas: brokers.length > 1 ? 2 : 1 };
  return { brokers, prefix, ...(replicas ?? usual) };
}

/** Whoever wants to hear of processes that end. */
class Exits {
  readonly #listeners: Array<(exit: WorkerExit) => void> = [];

  readonly onExit = (listener: (exit: WorkerExit) => void): void => void this.#listeners.push(listener);

  readonly tell = (exit: WorkerExit): void => {
    for (const listener of this.#listeners) listener(exit);
  };
}

function clusterOf(
  brokers: BrokersUnderTest | undefined,
  make: (told: (exit: WorkerExit) => void) => readonly WorkerProcess[],
  atFirst?: number,
): ClusterUnderTest<SingleWorker> {
  const exits = new Exits();
  const workers = make(exits.tell);
  return {
    ...{ workers, brokers, onExit: exits.onExit },
    start: async () => void (await Promise.all(workers.slice(0, atFirst).map((worker) => worker.start()))),
    stop: async () => void (await Promise.all(workers.map((worker) => worker.stop()))),
    destroy: () => workers.forEach((worker) => void worker.destroy()),
  };
}

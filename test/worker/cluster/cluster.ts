/** Workers of a node that hear of each other, on the model of a broker, in virtual time. */
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import { Cluster } from '../../../src/worker/cluster/index.ts';
import { clusterTopicSpecs, type Heartbeat } from '../../../src/worker/cluster/records.ts';
import { kafkaWorld } from '../../transport/log/kafka/world.ts';

export async function cluster() {
  const world = await kafkaWorld();
  const { clock, run } = world;
  const told: string[] = [];
  const worker = async (name: string, seed: number, roles: readonly string[] = ['all']) => {
    const log = world.worker(name);
    const random = seededRandom(seed);
    const one = new Cluster({
      ...{ log, clock, random, logger: silentLogger },
      onSilent: (silent) => void told.push(`${name}: ${silent.worker}`),
    });
    await run(log.ensureTopics(clusterTopicSpecs));
    await run(one.open(2));
    const beat = (): Promise<void> => {
      const heartbeat: Heartbeat = {
        ...{ worker: name, instance: one.instance, version: '1', roles: [...roles], startedAt: one.startedAt },
        ...{ at: clock.now(), ready: true, waiting: [], shards: [], load: { cpu: 0, memoryBytes: 0 } },
      };
      return one.beat(heartbeat);
    };
    return { beat, one, log };
  };
  /** Twenty seconds in which these are heard of every two. */
  const pass = async (...beats: readonly (() => Promise<void>)[]): Promise<void> => {
    for (let n = 0; n < 10; n++) {
      for (const beat of beats) await run(beat());
      await clock.advance('2 s');
    }
  };
  return { ...world, told, worker, pass };
}

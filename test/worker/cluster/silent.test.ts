/** Workers that are not heard of any more, as the others tell of them: on the model of a broker, in virtual time. */
import { expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import { Cluster } from '../../../src/worker/cluster/index.ts';
import { clusterTopicSpecs, type Heartbeat } from '../../../src/worker/cluster/records.ts';
import { kafkaWorld } from '../../transport/log/kafka/world.ts';

async function cluster() {
  const world = await kafkaWorld();
  const { clock, run } = world;
  const told: string[] = [];
  const worker = async (name: string, seed: number) => {
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
        ...{ worker: name, instance: one.instance, version: '1', roles: ['all'], startedAt: one.startedAt },
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

it('MO11 a worker that is not heard of is told of once, each time; one that said that it ends is not', async () => {
  const { told, worker, run, pass } = await cluster();
  const [a, b, c] = [await worker('a', 1), await worker('b', 2), await worker('c', 3)];
  await pass(a.beat, b.beat, c.beat);
  expect(told).toEqual([]);
  await run(c.one.bye());
  await pass(a.beat);
  expect(told).toEqual(['a: b']);
  await pass(a.beat, b.beat);
  expect(told).toEqual(['a: b']);
  await pass(a.beat);
  expect(told).toEqual(['a: b', 'a: b']);
});

it('MO11 a worker that was cut off itself takes nobody for silent', async () => {
  const { told, worker, faults, run, pass } = await cluster();
  const [a, b] = [await worker('a', 1), await worker('b', 2)];
  await pass(a.beat, b.beat);
  faults(({ client }) => (client === 'b' ? 'lost' : 'ok'));
  const late: Promise<void>[] = [];
  await pass(a.beat, async () => void late.push(b.beat()));
  faults(() => 'ok');
  await run(Promise.all(late));
  await pass(a.beat, b.beat);
  // The other one was right: it had not heard of it.
  expect(told).toEqual(['a: b']);
});

/**
 * What befalls brokers, their log and the way to them while workers are under load, where it takes longer: a session has to
 * run out, or an operator has to mend it. Nothing is lost, doubled or contradicted; where that cannot be had, the node says
 * so and stands still.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import { weir } from '../cli/support.ts';
import { describeKafka } from '../rig/describe-kafka.ts';
import type { KafkaRig } from '../rig/kafka.ts';
import { countOf, nightly, prefixOf, spreadOver, underLoad } from './trial.ts';

const timeout = 900_000;
/** Payments before, while and after something is wrong. */
const some = nightly ? 1_000 : 100;
const withinMs = 120_000;

describeKafka('failures under load that take longer', { detours: true }, (kafka) => {
  it('WK13 WK5 the network between one worker and the brokers is cut past its session', { timeout }, async () => {
    const { detours, detouredBrokers } = kafka();
    const trial = { name: 'network of one worker cut', workers: 2, seed: 21, detours: new Map([[0, detouredBrokers]]) };
    await underLoad(kafka(), trial, async ({ workers: [, other], paid }) => {
      await spreadOver(other, 2);
      await paid(some);
      for (const detour of detours) detour.cut();
      // It has lost its shards, and does not know yet.
      await spreadOver(other, 1);
      await paid(some);
      for (const detour of detours) detour.mend();
      await spreadOver(other, 2);
      await paid(some);
    });
  });

  it('WK16 partitions are added behind the back of the workers: the next claim stops, and resharding mends it', {
    timeout,
  }, async () => {
    const trial = { name: 'partitions added by hand, then `weir reshard`', workers: 2, seed: 24 };
    await underLoad(kafka(), trial, async ({ workers, deaths, folder, paid }) => {
      const [first, second] = workers;
      const end = async (worker: WorkerUnderTest | undefined): Promise<void> => {
        if (worker === undefined) throw new Error('there are two workers');
        deaths.terminates(worker.name);
        await worker.stop();
      };
      await paid(some);
      await addPartitions(kafka(), `${prefixOf(trial)}flow.state`, 12);
      // Whoever runs a shard goes on in its partition.
      await paid(some);
      await end(second);
      await expect.poll(() => countOf(first, 'WEIR_LOG_PARTITIONS'), { timeout: withinMs }).toBeGreaterThan(0);
      await end(first);
      const config = ['--config', join(folder, 'weir.yaml')];
      const refused = await weir(['up', ...config]);
      expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('weir reshard --partitions 12') });
      expect(await weir(['reshard', '--partitions', '12', ...config])).toMatchObject({ code: 0 });
      await Promise.all(workers.map((worker) => worker.start()));
      await spreadOver(first, 2);
      await paid(some);
    });
  });
});

async function addPartitions({ brokers, tool }: KafkaRig, topic: string, count: number): Promise<void> {
  const flags = ['--bootstrap-server', brokers.join(), '--alter', '--topic', topic, '--partitions', String(count)];
  await tool('org.apache.kafka.tools.TopicCommand', flags);
}

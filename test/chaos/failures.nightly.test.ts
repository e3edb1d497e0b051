/**
 * What befalls brokers, their log and the way to them while workers are under load, where it takes longer: a session has to
 * run out, or an operator has to mend it. Nothing is lost, doubled or contradicted; where that cannot be had, the node says
 * so and stands still.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SingleWorker } from '../../scripts/chaos/cluster.ts';
import { startLoad } from '../../scripts/chaos/load.ts';
import { settle } from '../../scripts/chaos/market.ts';
import { tellRow } from '../../scripts/trial-table.ts';
import { weir } from '../cli/support.ts';
import { describeKafka } from '../rig/describe-kafka.ts';
import type { KafkaRig } from '../rig/kafka.ts';
import { addPartitions } from './broker-tools.ts';
import {
  countOf,
  marketFor,
  paid,
  payments,
  seedOf,
  spreadOver,
  type Trial,
  trialMs as timeout,
  underLoad,
} from './trial.ts';

/** Payments before, while and after something is wrong. */
const some = payments(300) / 3;
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
    await underLoad(kafka(), trial, async ({ workers, deaths, folder, prefix, paid }) => {
      const [first, second] = workers;
      const end = async (worker: SingleWorker | undefined): Promise<void> => {
        if (worker === undefined) throw new Error('there are two workers');
        deaths.terminates(worker.name);
        await worker.stop();
      };
      await paid(some);
      await addPartitions(kafka(), `${prefix}flow.state`, 12);
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

describeKafka('failures under load of three brokers', { brokers: 3 }, (kafka) => {
  it('WK5 acknowledged commits are lost by an unclean election: every worker says so and ends, until it is accepted', {
    timeout,
  }, async () => {
    const trial = { name: 'unclean election, then `weir log adopt`', seed: 25 };
    await loseAndAdopt(kafka(), trial, () => Promise.resolve());
  });

  it('WK5 acknowledged commits are lost, and the workers that made them are gone: the next ones see it from each other', {
    timeout,
  }, async () => {
    const trial = { name: 'the same, and SIGKILL of the workers that made the lost commits', seed: 26 };
    await loseAndAdopt(kafka(), trial, async (workers) => {
      for (const worker of workers) worker.destroy();
      await expect.poll(() => workers.map((worker) => worker.pid())).toEqual([undefined, undefined]);
    });
  });
});

/** Loses commits under load; `before` brokers lose them, workers may be done something to that do not run afterwards. */
async function loseAndAdopt(
  rig: KafkaRig,
  { name, seed }: Pick<Trial, 'name' | 'seed'>,
  before: (workers: readonly SingleWorker[]) => Promise<void>,
): Promise<void> {
  // A partition goes on without its only follower: the least that can be lost.
  const trial = { name, seed, workers: 2, replicas: { replication: 2, minInsyncReplicas: 1 } };
  const { place, cluster } = await marketFor(rig, trial);
  const { workers } = cluster;
  const ended = new Set<string>();
  cluster.onExit(({ worker, log }) => {
    if (log.some((line) => line.includes('WEIR_LOG_LOST'))) ended.add(worker);
  });
  await cluster.start();
  await spreadOver(workers[0], 2);
  const urls = () => workers.flatMap((worker) => worker.url() ?? []);
  const load = startLoad({ urls, seed: seedOf(trial), clients: 24 });
  await paid(load, some);
  await loseCommits(rig, async () => {
    await paid(load, some);
    await before(workers);
  });
  for (const worker of workers) if (worker.pid() === undefined) void worker.start();
  await expect.poll(() => ended.size, { timeout: withinMs }).toBe(2);
  const config = ['--config', join(place.folder, 'weir.yaml')];
  const lost = expect.stringContaining('WEIR_LOG_LOST');
  expect(await weir(['up', ...config])).toMatchObject({ code: 1, error: lost });
  await cluster.stop();
  // Nobody will hear of what is not known by now.
  await load.finish(AbortSignal.timeout(1));
  expect(await weir(['doctor', ...config])).toMatchObject({ code: 1, out: lost });
  expect(await weir(['log', 'adopt', ...config])).toMatchObject({ code: 0 });
  const ledger = await settle(place, load.given);
  const gone = [...load.accepted].filter((id) => !ledger.results.has(id));
  const doubled = [...ledger.results.values()].filter((all) => all.length > 1).length;
  const told = { payments: load.accepted.size, again: load.retries, stallMs: 'stopped' } as const;
  tellRow({ ...told, name, lost: gone.length, doubled });
  expect(doubled).toBe(0);
  expect(gone.length).toBeGreaterThan(0);

  // What is left goes on: shards hear each other again, whatever each of them has lost.
  await cluster.start();
  const next = startLoad({ urls, seed: seedOf(trial) + 500, clients: 24 });
  await paid(next, some);
  await next.finish(AbortSignal.timeout(withinMs));
  expect([...next.accepted].filter((id) => !next.outcomes.has(id))).toEqual([]);
  expect(next.lost).toEqual([]);
}

/** What is committed `meanwhile` is on one replica alone; then that one is gone, and one without it leads. */
async function loseCommits({ brokers, kill, start, tool }: KafkaRig, meanwhile: () => Promise<void>): Promise<void> {
  const election = 'org.apache.kafka.tools.LeaderElectionCommand';
  const flags = ['--bootstrap-server', brokers.join(), '--election-type', 'UNCLEAN', '--all-topic-partitions'];
  await kill(1);
  await meanwhile();
  await kill(0);
  await start(1);
  // As long as the dead one counts as alive, nobody needs another leader.
  let said = '';
  while (!said.includes('Successfully completed')) said = await tool(election, flags).catch(outputOf);
  await start(0);
}

/** Of a tool that failed: it may have done a part of it. */
function outputOf(error: unknown): string {
  return error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
}

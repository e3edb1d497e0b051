/**
 * Workers that come and go under load, in good order or killed, as real processes on a real broker: nobody loses anything
 * by it. `CHAOS_KILLS=20 npx vitest run test/chaos/comings-and-goings.test.ts` kills more of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import { kafkaMarket } from '../../scripts/chaos/clusters.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import { type Report, runChaos } from '../../scripts/chaos/run.ts';
import type { Deaths } from '../../scripts/chaos/strike.ts';
import { describeKafka } from '../rig/describe-kafka.ts';
import type { KafkaRig } from '../rig/kafka.ts';

const kills = Number(process.env.CHAOS_KILLS ?? 5);
const timeout = 240_000 + kills * 15_000;
const placed = z.object({ shards: z.array(z.looseObject({ worker: z.string().optional(), phase: z.string() })) });

type Script = (workers: readonly WorkerUnderTest[], deaths: Deaths) => Promise<void>;

interface Trial {
  readonly count: number;
  readonly atFirst: number;
  /** Of the payments; each trial has one of its own. */
  readonly seed: number;
}

async function underLoad(rig: KafkaRig, trial: Trial, script: Script): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-scaling-'));
  const { count, atFirst, seed } = trial;
  // What was paid in one trial is in no file of the next one.
  const prefix = `trial-${seed}.`;
  const { place, cluster } = await kafkaMarket(folder, rig, count, { atFirst, prefix });
  onTestFinished(() => {
    cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  const report = await runChaos({
    ...{ cluster, place, seed, durationMs: 0, tell: () => undefined },
    script: (deaths) => script(cluster.workers, deaths),
  });
  const text = reportText(report);
  process.stdout.write(`${text}\n`);
  expect(passed(report), text).toBe(true);
  expect(report.settled).toBeGreaterThan(50);
  return report;
}

/** Resolves when every shard runs on one of so many workers that are up. */
async function spreadOver(asked: WorkerUnderTest, count: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${asked.url()}/api/v1/shards`);
        const { shards } = placed.parse(await answer.json());
        if (shards.some(({ phase }) => phase !== 'running')) return 0;
        return new Set(shards.map(({ worker }) => worker)).size;
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBe(count);
}

describeKafka('workers that come and go under load', {}, (kafka) => {
  it('WK10 from one to four and back to one: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const report = await underLoad(kafka(), { count: 4, atFirst: 1, seed: 11 }, async (workers, deaths) => {
      const [first] = workers;
      if (first === undefined) throw new Error('there is a first worker');
      const others = workers.slice(1);
      await spreadOver(first, 1);
      for (const [index, worker] of others.entries()) {
        await worker.start();
        await spreadOver(first, index + 2);
      }
      for (const [index, worker] of others.entries()) {
        deaths.terminates(worker.name);
        await worker.stop();
        await spreadOver(first, others.length - index);
      }
      await pause(1_000);
    });
    expect(report.accepted).toBe(report.given);
  });

  it('WK9 three are started anew, one after the other: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    await underLoad(kafka(), { count: 3, atFirst: 3, seed: 12 }, async (workers, deaths) => {
      for (const [index, worker] of workers.entries()) {
        const neighbour = workers[(index + 1) % workers.length];
        if (neighbour === undefined) throw new Error('there is another worker');
        await spreadOver(neighbour, 3);
        deaths.terminates(worker.name);
        const began = performance.now();
        await worker.stop();
        await spreadOver(neighbour, 2);
        console.log(`${worker.name} has left, its shards run again after ${Math.round(performance.now() - began)} ms`);
        await worker.start();
      }
    });
  });

  it('WK2 one of three is killed with SIGKILL, again and again: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const report = await underLoad(kafka(), { count: 3, atFirst: 3, seed: 13 }, async (workers) => {
      for (let n = 0; n < kills; n++) {
        const worker = workers[n % workers.length];
        const former = worker?.pid();
        expect(worker?.signal('SIGKILL')).toBe(true);
        // The next one dies only when this one is up again: else nobody would be left.
        const again = () => worker?.url() !== undefined && worker.pid() !== former;
        await expect.poll(again, { timeout: 60_000, interval: 50 }).toBe(true);
      }
      const [first] = workers;
      if (first === undefined) throw new Error('there is a first worker');
      await spreadOver(first, 3);
    });
    expect(report.restarts).toBe(kills);
  });
});

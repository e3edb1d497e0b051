/**
 * A trial: the payments example as real workers on real brokers, a script of what befalls them while clients pay, and a
 * ledger that must balance in the end. Prints a line for the table in `docs/guide/kafka.md`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import { type KafkaMarketOptions, kafkaMarket, type PreparedMarket } from '../../scripts/chaos/clusters.ts';
import type { Told } from '../../scripts/chaos/load.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import { type Report, runChaos, type Scene } from '../../scripts/chaos/run.ts';
import { runsVariable } from '../../scripts/nightly.ts';
import type { KafkaRig } from '../rig/kafka.ts';

/** Whether there is a night for it: thousands of payments instead of hundreds. */
export const nightly = process.env[runsVariable] !== undefined;

export interface Trial extends Omit<KafkaMarketOptions, 'prefix'> {
  /** As the table calls it. */
  readonly name: string;
  readonly workers: number;
  /** Of the payments; each trial on the same brokers has one of its own. */
  readonly seed: number;
}

export interface Stage extends Scene {
  readonly workers: readonly WorkerUnderTest[];
  /** Where its configuration is. */
  readonly folder: string;
  /** Resolves when so many more payments have an outcome. */
  paid(more: number): Promise<void>;
}

const withinMs = 120_000;
const everyMs = 50;
const toldErrors = z.object({ errors: z.array(z.looseObject({ count: z.number() })) });
const placed = z.object({ shards: z.array(z.looseObject({ worker: z.string().optional(), phase: z.string() })) });

/** The market of a trial; what is left of it goes with the test. */
export async function marketFor(rig: KafkaRig, { workers, seed, ...options }: Trial): Promise<PreparedMarket> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-trial-'));
  const market = await kafkaMarket(folder, rig, workers, { ...options, prefix: prefixOf({ seed }) });
  onTestFinished(() => {
    market.cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  return market;
}

/** What was paid in one trial is in no file of the next one. */
export function prefixOf({ seed }: Pick<Trial, 'seed'>): string {
  return `trial-${seed}.`;
}

/** Resolves when so many more payments have an outcome. */
export async function paid({ outcomes }: Told, more: number): Promise<void> {
  const enough = outcomes.size + more;
  await expect.poll(() => outcomes.size, { timeout: withinMs, interval: everyMs }).toBeGreaterThanOrEqual(enough);
}

/** Nothing may be lost, doubled or otherwise wrong when the script is through and every payment has an outcome. */
export async function underLoad(rig: KafkaRig, trial: Trial, script: (stage: Stage) => Promise<void>): Promise<Report> {
  const { name, seed } = trial;
  const { place, cluster } = await marketFor(rig, trial);
  const { workers } = cluster;
  const report = await runChaos({
    ...{ cluster, place, seed, durationMs: 0, tell: () => undefined },
    script: ({ deaths, told }) =>
      script({ ...{ deaths, told, workers }, folder: place.folder, paid: (more) => paid(told, more) }),
  });
  process.stdout.write(`${rowOf(name, report)}\n`);
  const text = reportText(report);
  expect(passed(report), text).toBe(true);
  return report;
}

function rowOf(name: string, { settled, refused, lost, doubled, longestStallMs, retries }: Report): string {
  const stall = `${(longestStallMs / 1_000).toFixed(1)} s`;
  return `| ${[name, settled + refused, lost.length, doubled.length, stall, retries].join(' | ')} |`;
}

/** Resolves when every shard runs, on so many workers as this one sees it. */
export async function spreadOver(asked: WorkerUnderTest | undefined, count: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${asked?.url()}/api/v1/shards`);
        const { shards } = placed.parse(await answer.json());
        if (shards.some(({ phase }) => phase !== 'running')) return 0;
        return new Set(shards.map(({ worker }) => worker)).size;
      },
      { timeout: withinMs, interval: 200 },
    )
    .toBe(count);
}

/** How often a worker, and those that it has heard of, tell of an error with this code. */
export async function countOf(asked: WorkerUnderTest | undefined, code: string): Promise<number> {
  const answer = await fetch(`${asked?.url()}/api/v1/errors?code=${code}`);
  const { errors } = toldErrors.parse(await answer.json());
  return errors.reduce((sum, { count }) => sum + count, 0);
}

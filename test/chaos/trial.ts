/**
 * A trial: the payments example as real workers on real brokers, a script of what befalls them while clients pay, and a
 * ledger that must balance in the end. Prints a line of the table in `docs/guide/kafka.md`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { SingleWorker, WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import {
  type KafkaMarketOptions,
  kafkaMarket,
  type PreparedMarket,
  parentMarket,
} from '../../scripts/chaos/clusters.ts';
import type { Told } from '../../scripts/chaos/load.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import { type Report, runChaos, type Scene } from '../../scripts/chaos/run.ts';
import { paymentsVariable, runsVariable, usualPayments } from '../../scripts/nightly.ts';
import { type TrialRow, tellRow, timeVariable } from '../../scripts/trial-table.ts';
import type { KafkaRig } from '../rig/kafka.ts';

/** Whether there is a night for it: thousands of payments instead of hundreds. */
export const nightly = process.env[runsVariable] !== undefined;
/** Payments that a trial needs at least: so few, but in a night. */
export function payments(few: number): number {
  return nightly ? Number(process.env[paymentsVariable] ?? usualPayments) : few;
}

/** How long a trial may take, in milliseconds. */
export const trialMs = nightly ? 3_600_000 : 900_000;

export interface Trial extends Omit<KafkaMarketOptions, 'prefix'> {
  /** As the table calls it. */
  readonly name: string;
  readonly workers: number;
  /** Of the payments; each trial on the same brokers has one of its own. */
  readonly seed: number;
  /** Clients come by way of a load balancer, which sends them to workers that say that they are ready. Default: no. */
  readonly balanced?: boolean;
}

export interface Stage<Worker extends WorkerUnderTest = SingleWorker> extends Scene {
  readonly workers: readonly Worker[];
  /** Where its configuration is. */
  readonly folder: string;
  /** In front of the names of its topics. */
  readonly prefix: string;
  /** Resolves when so many more payments have an outcome. */
  paid(more: number): Promise<void>;
}

type Script<Worker extends WorkerUnderTest> = (stage: Stage<Worker>) => Promise<void>;

const withinMs = nightly ? 900_000 : 120_000;
const everyMs = 50;
const toldErrors = z.object({ errors: z.array(z.looseObject({ count: z.number() })) });
const placed = z.object({
  shards: z.array(z.looseObject({ partition: z.number(), worker: z.string().optional(), phase: z.string() })),
});

/** The market of a trial; what is left of it goes with the test. */
export async function marketFor(rig: KafkaRig, trial: Trial): Promise<PreparedMarket<SingleWorker>> {
  const { workers, ...options } = trial;
  return kept(await kafkaMarket(folderOf(), rig, workers, { ...options, prefix: prefixOf(trial) }));
}

/** Nothing may be lost, doubled or otherwise wrong when the script is through and every payment has an outcome. */
export async function underLoad(rig: KafkaRig, trial: Trial, script: Script<SingleWorker>): Promise<Report> {
  return tried(trial, await marketFor(rig, trial), script);
}

/** The same with workers of one parent, which watches them. */
export async function underLoadWithParent(
  rig: KafkaRig,
  trial: Trial,
  script: Script<WorkerUnderTest>,
): Promise<Report> {
  const { workers, ...options } = trial;
  return tried(
    trial,
    kept(await parentMarket(folderOf(), rig, workers, { ...options, prefix: prefixOf(trial) })),
    script,
  );
}

async function tried<Worker extends WorkerUnderTest>(
  trial: Trial,
  { place, cluster }: PreparedMarket<Worker>,
  script: Script<Worker>,
): Promise<Report> {
  const { workers } = cluster;
  const report = await runChaos({
    ...{ cluster, place, seed: seedOf(trial), balanced: trial.balanced ?? false, durationMs: 0 },
    tell: (line) => void (nightly && process.stdout.write(`${line}\n`)),
    script: ({ deaths, told }) =>
      script({
        ...{ deaths, told, workers, folder: place.folder, prefix: prefixOf(trial) },
        paid: (more) => paid(told, more),
      }),
  });
  tellRow(rowOf(trial.name, report));
  const text = reportText(report);
  expect(passed(report), text).toBe(true);
  return report;
}

/** A row of the table, of a run that has a report. */
export function rowOf(name: string, report: Report): TrialRow {
  const { settled, refused, lost, doubled, longestStallMs: stallMs, retries: again } = report;
  return { ...{ name, stallMs, again }, payments: settled + refused, lost: lost.length, doubled: doubled.length };
}

/** Each time of a night has payments of its own. */
export function seedOf({ seed }: Pick<Trial, 'seed'>): number {
  return seed + 1_000 * Number(process.env[timeVariable] ?? 0);
}

/** What was paid in one trial is in no file of the next one. */
function prefixOf(trial: Trial): string {
  return `trial-${seedOf(trial)}.`;
}

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-trial-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function kept<Worker extends WorkerUnderTest>(market: PreparedMarket<Worker>): PreparedMarket<Worker> {
  onTestFinished(() => market.cluster.destroy());
  return market;
}

/** Resolves when so many more payments have an outcome. */
export async function paid({ outcomes }: Told, more: number): Promise<void> {
  const enough = outcomes.size + more;
  await expect.poll(() => outcomes.size, { timeout: withinMs, interval: everyMs }).toBeGreaterThanOrEqual(enough);
}

/** Resolves when every shard runs, on so many workers as this one sees it. */
export async function spreadOver(asked: WorkerUnderTest | undefined, count: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const owners = (await shardsAt(asked)).map(({ worker, phase }) => (phase === 'running' ? worker : undefined));
        return owners.includes(undefined) ? 0 : new Set(owners).size;
      },
      { timeout: withinMs, interval: 200 },
    )
    .toBe(count);
}

/** Every shard, as a worker sees who has it. */
export async function shardsAt(asked: WorkerUnderTest | undefined): Promise<z.output<typeof placed>['shards']> {
  const answer = await fetch(`${asked?.url()}/api/v1/shards`);
  return placed.parse(await answer.json()).shards;
}

/** How often a worker, and those that it has heard of, tell of an error with this code. */
export async function countOf(asked: WorkerUnderTest | undefined, code: string): Promise<number> {
  const answer = await fetch(`${asked?.url()}/api/v1/errors?code=${code}`);
  const { errors } = toldErrors.parse(await answer.json());
  return errors.reduce((sum, { count }) => sum + count, 0);
}

/** Shards that a worker has seen others take from it, as it counts them; what it cannot tell yet are none. */
export async function fencedIn(asked: WorkerUnderTest | undefined): Promise<number> {
  const page = await (await fetch(`${asked?.url()}/metrics`)).text();
  return Number(/^weir_shards_fenced_total (\d+)$/m.exec(page)?.[1] ?? 0);
}

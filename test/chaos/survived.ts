/** A run of real processes under acts that a seed has drawn, which loses nothing and doubles nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { PreparedMarket } from '../../scripts/chaos/clusters.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import { runChaos } from '../../scripts/chaos/run.ts';
import { tellRow } from '../../scripts/trial-table.ts';
import { rowOf } from './trial.ts';

export interface Run {
  /** As the table of a night calls it. Default: it has no line there. */
  readonly name?: string;
  readonly seed: number;
  readonly minutes: number;
  readonly prepare: (folder: string) => Promise<PreparedMarket>;
}

/** Names of the acts that struck in a run that has lost nothing and doubled nothing, under a load that proves something. */
export async function survived({ name, seed, minutes, prepare }: Run): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-chaos-test-'));
  const { place, cluster } = await prepare(folder);
  onTestFinished(() => {
    cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  const told: string[] = [];
  const durationMs = minutes * 60_000;
  const report = await runChaos({ cluster, place, seed, durationMs, tell: (line) => void told.push(line) });
  const text = reportText(report);
  process.stdout.write(`${text}\n`);
  if (name !== undefined) tellRow(rowOf(name, report));
  expect(passed(report), text).toBe(true);
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.settled).toBeGreaterThan(50);
  expect(told.length).toBeGreaterThan(minutes * 10);
  return report.acts.filter(({ struck }) => struck > 0).map(({ name }) => name);
}

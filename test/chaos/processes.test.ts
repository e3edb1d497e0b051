/**
 * The payments example as a real process under faults, for a minute: `CHAOS_MINUTES=10 npx vitest run
 * test/chaos/processes.test.ts` goes on for longer, `npm run chaos` for as long as it is told, with a seed of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedMarket, kafkaMarket, type PreparedMarket } from '../../scripts/chaos/clusters.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import { type Report, runChaos } from '../../scripts/chaos/run.ts';
import { describeKafka } from '../rig/describe-kafka.ts';

const minutes = Number(process.env.CHAOS_MINUTES ?? 1);
const seed = 3;

const timeout = minutes * 60_000 + 300_000;

/** The report of a run that must have lost nothing and doubled nothing, of a load and faults that prove something. */
async function survives(prepare: (folder: string) => Promise<PreparedMarket>): Promise<Report> {
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
  expect(passed(report), text).toBe(true);
  expect(report.acts.filter(({ struck }) => struck > 0).length).toBeGreaterThanOrEqual(4);
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.settled).toBeGreaterThan(50);
  expect(told.length).toBeGreaterThan(minutes * 10);
  return report;
}

describe('real processes under faults', () => {
  it('TK8 lose nothing and double nothing, and the ledger balances', { timeout }, async () => {
    await survives(embeddedMarket);
  });
});

describeKafka('real processes on a real broker under faults', {}, (kafka) => {
  it('TK8 WK5 two workers and their broker lose nothing and double nothing, and the ledger balances', {
    timeout,
  }, async () => {
    const { acts } = await survives((folder) => kafkaMarket(folder, kafka(), 2));
    // The brokers fail too.
    expect(acts.map(({ name }) => name)).toContain('SIGKILL of a broker, restart');
  });
});

describe('the report of chaos', () => {
  const report: Report = {
    clusterFlags: ' --cluster kafka --workers 2 --brokers 3',
    ...{ seed: 7, durationMs: 60_000, restarts: 2, retries: 10, given: 3, accepted: 3, settled: 2, refused: 1 },
    ...{ longestStallMs: 1_234, lost: [], doubled: [], problems: [], acts: [{ name: 'SIGKILL', done: 2, struck: 2 }] },
  };

  it('TK8 is good when nothing is wrong', () => {
    expect(passed(report)).toBe(true);
    expect(reportText(report)).toMatch(/^SIGKILL +2 +2$/m);
    expect(reportText(report)).toMatch(/^longest stall +1\.2 s$/m);
  });

  it.each([
    [{ lost: ['p1'] }, 'p1 was accepted and has no outcome'],
    [{ doubled: ['p1 has 2 outcomes: settled, settled'] }, 'p1 has 2 outcomes'],
    [{ problems: ['total: EUR: 1.00 became 2.00'] }, 'EUR: 1.00 became 2.00'],
  ])('TK8 is bad with %j, and says how to see it again', (wrong, line) => {
    expect(passed({ ...report, ...wrong })).toBe(false);
    expect(reportText({ ...report, ...wrong })).toContain(line);
    expect(reportText({ ...report, ...wrong })).toContain(
      'npm run chaos -- --minutes 1 --seed 7 --cluster kafka --workers 2 --brokers 3',
    );
  });
});

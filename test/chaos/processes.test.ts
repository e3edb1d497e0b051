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
const timeout = minutes * 60_000 + 300_000;

interface Run {
  readonly seed: number;
  readonly minutes: number;
  readonly prepare: (folder: string) => Promise<PreparedMarket>;
}

/** Names of the acts that struck in a run that has lost nothing and doubled nothing, under a load that proves something. */
async function survived({ seed, minutes, prepare }: Run): Promise<string[]> {
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
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.settled).toBeGreaterThan(50);
  expect(told.length).toBeGreaterThan(minutes * 10);
  return report.acts.filter(({ struck }) => struck > 0).map(({ name }) => name);
}

describe('real processes under faults', () => {
  it('TK8 lose nothing and double nothing, and the ledger balances', { timeout }, async () => {
    const struck = await survived({ seed: 3, minutes, prepare: embeddedMarket });
    expect(struck.length).toBeGreaterThanOrEqual(4);
  });
});

/** It begins with a broker that dies, a worker that dies, and one that is stopped past its session. */
const kafkaSeed = 5;
const brokerKilled = 'SIGKILL of a broker, restart';

describeKafka('real processes on a real broker under faults', {}, (kafka) => {
  it('TK8 WK5 two workers and their broker lose nothing and double nothing, and the ledger balances', {
    timeout,
  }, async () => {
    const prepare = (folder: string): Promise<PreparedMarket> => kafkaMarket(folder, kafka(), 2);
    const struck = await survived({ seed: kafkaSeed, minutes, prepare });
    expect(struck).toEqual(
      expect.arrayContaining([brokerKilled, 'SIGKILL', 'full-disk', 'SIGSTOP past the session, SIGCONT']),
    );
  });
});

describeKafka('real processes on three real brokers under faults', { brokers: 3 }, (kafka) => {
  it('TK8 WK6 a broker dies under load: nothing is lost, nothing doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const prepare = (folder: string): Promise<PreparedMarket> => kafkaMarket(folder, kafka(), 2);
    const struck = await survived({ seed: kafkaSeed, minutes: minutes / 2, prepare });
    expect(struck).toEqual(expect.arrayContaining([brokerKilled, 'SIGKILL']));
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

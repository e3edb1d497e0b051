/**
 * The payments example as a real process under faults, for some seconds: the night has minutes for it, and Kafka below it
 * (`npm run nightly`); `npm run chaos` goes on for as long as it is told, with a seed of its own.
 */
import { describe, expect, it } from 'vitest';
import { embeddedMarket } from '../../scripts/chaos/clusters.ts';
import { passed, reportText } from '../../scripts/chaos/report.ts';
import type { Report } from '../../scripts/chaos/run.ts';
import { survived } from './survived.ts';

describe('a real process under faults', () => {
  it('TK8 loses nothing and doubles nothing, and the ledger balances', { timeout: 300_000 }, async () => {
    const struck = await survived({ seed: 3, minutes: 1 / 6, prepare: embeddedMarket });
    expect(struck).toContain('SIGKILL');
    expect(struck.length).toBeGreaterThanOrEqual(3);
  });
});

describe('the report of chaos', () => {
  const report: Report = {
    clusterFlags: ' --cluster kafka --workers 2 --brokers 3',
    ...{
      seed: 7,
      durationMs: 60_000,
      restarts: 2,
      retries: 10,
      causes: new Map(),
      given: 3,
      accepted: 3,
      settled: 2,
      refused: 1,
    },
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

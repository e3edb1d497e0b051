/**
 * The contract of the log port as a suite of tests that each driver passes.
 *
 * Owns what is the same for all cases, and those of topics, membership and the end. What is special to a driver (faults,
 * damage, full disks) is tested beside it. Call it at the top level of a vitest file; `makeDriver` gives a fresh, empty
 * log for each test.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log, TopicSpec } from '../../transport/log/index.ts';
import {
  appender,
  batch,
  claimer,
  collect,
  contents,
  expectCode,
  publish,
  put,
  remove,
  restored,
} from './log-contract-support.ts';
import { logEventCases } from './log-event-cases.ts';
import { logReadingCases } from './log-reading-cases.ts';
import { logShardCases } from './log-shard-cases.ts';
import { logTableCases } from './log-table-cases.ts';

export interface LogDriver {
  readonly log: Log;
  /** Closes `log` and opens what is durable again; absent when the driver keeps nothing. */
  reopen?(): Promise<Log>;
  /** Another worker on the same log; absent for drivers of one process. */
  second?(): Promise<Log>;
  dispose(): Promise<void>;
}

const topics: readonly TopicSpec[] = [
  { name: 'flow.state', partitions: 4, kind: 'state' },
  { name: 'flow.events', partitions: 4, kind: 'events' },
  { name: 'flow.status', partitions: 4, kind: 'table' },
];

/** Runs the contract suite of the log port over one driver. */
export function logContract(name: string, makeDriver: () => Promise<LogDriver>): void {
  describe(`${name}: contract of the log port`, () => {
    let driver: LogDriver;
    let log: Log;

    beforeEach(async () => {
      driver = await makeDriver();
      log = driver.log;
      await log.ensureTopics(topics);
    });
    afterEach(() => driver.dispose());

    const claimShard = claimer(() => log);
    const append = appender(() => log);

    logShardCases(
      () => log,
      async () => (await driver.second?.()) ?? log,
    );
    logEventCases(() => log);
    logTableCases(() => log);

    describe('topics, membership and the end', () => {
      it('WK1 creates topics once, and refuses another partition count or kind', async () => {
        await log.ensureTopics(topics);
        await expectCode(log.ensureTopics([{ name: 'flow.state', partitions: 5, kind: 'state' }]), 'WEIR_LOG_TOPIC');
        await expectCode(log.ensureTopics([{ name: 'flow.state', partitions: 4, kind: 'events' }]), 'WEIR_LOG_TOPIC');
        await expectCode(log.ensureTopics([{ name: 'a/b', partitions: 1, kind: 'state' }]), 'WEIR_LOG_TOPIC');
      });

      it('WK1 refuses topics that do not exist or are of another kind', async () => {
        await expectCode(log.claim({ topic: 'none', partition: 0 }), 'WEIR_LOG_TOPIC');
        await expectCode(log.claim({ topic: 'flow.events', partition: 0 }), 'WEIR_LOG_TOPIC');
        await expectCode(log.claim({ topic: 'flow.state', partition: 4 }), 'WEIR_LOG_TOPIC');
        await expectCode(log.append('flow.state', 0, [put('a', '1')]), 'WEIR_LOG_TOPIC');
        await expectCode(log.table('flow.events'), 'WEIR_LOG_TOPIC');
        const wrong = { topic: 'flow.events', key: 'k', value: new Uint8Array() };
        await expectCode((await claimShard()).commit({ records: [], publications: [wrong] }), 'WEIR_LOG_TOPIC');
      });

      it('says which topics there are, as they were created', async () => {
        const known = [...(await log.topics())].sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(known).toEqual([...topics].sort((a, b) => (a.name < b.name ? -1 : 1)));
      });

      it('WK4 assigns the partitions to the only worker in a later turn, and revokes them when it leaves', async () => {
        const seen: string[] = [];
        const assigned = Promise.withResolvers<void>();
        const membership = await log.join('flow', 4, {
          assigned: (partitions) => {
            seen.push(`assigned ${partitions.join(' ')}`);
            assigned.resolve();
          },
          revoked: async (partitions) => void seen.push(`revoked ${partitions.join(' ')}`),
        });
        await assigned.promise;
        await membership.leave();
        expect(seen).toEqual(['assigned 0 1 2 3', 'revoked 0 1 2 3']);
      });

      it('WK13 reports that it is well', () => {
        expect(log.health()).toEqual({ state: 'ok' });
      });

      it('W6 finishes what is in flight when it closes, and refuses everything afterwards', async () => {
        const claim = await claimShard();
        const commit = claim.commit(batch(put('a', '1')));
        await log.close();
        await commit;
        await expectCode(claim.commit(batch(put('a', '2'))), 'WEIR_LOG_CLOSED');
        await expectCode(append(put('a', '2')), 'WEIR_LOG_CLOSED');
        await expectCode(claimShard(), 'WEIR_LOG_CLOSED');
        await expectCode(log.table('flow.status'), 'WEIR_LOG_CLOSED');
        await expectCode(log.topics(), 'WEIR_LOG_CLOSED');
        await log.close();
      });
    });

    logReadingCases(() => log);

    describe('reopening', () => {
      it('WK3 finds records, events, tables and terms again', async ({ skip }) => {
        if (driver.reopen === undefined) return skip('the driver keeps nothing');
        const claim = await claimShard();
        await claim.commit({ records: [put('a', '1'), put('b', '1')], publications: [publish('f', 'DONE')] });
        await claim.commit(batch(put('a', '2'), remove('b')));
        await append(put('k', '0'), put('k', '1'), put('k', '2'));
        const before = collect(log, 1, 0);
        await before.reach(3);
        await log.trim('flow.events', 1, before.records[1]?.offset ?? 0);

        log = await driver.reopen();
        await log.ensureTopics(topics);
        const again = await claimShard();
        expect(again.term.counter).toBeGreaterThan(claim.term.counter);
        expect(await restored(again)).toEqual({ a: '2' });
        expect(contents(await log.table('flow.status'))).toEqual({ f: 'DONE' });
        await append(put('k', '3'));
        const after = collect(log, 1, 0);
        await after.reach(3);
        expect(after.records.slice(0, 2)).toEqual(before.records.slice(1));
        expect(after.records[2]?.offset).toBeGreaterThan(before.records[2]?.offset ?? 0);
      });

      it('WK3 gives no offset twice after all records of a partition were trimmed', async ({ skip }) => {
        if (driver.reopen === undefined) return skip('the driver keeps nothing');
        await append(put('k', '0'), put('k', '1'));
        const before = collect(log, 1, 0);
        await before.reach(2);
        const last = before.records[1]?.offset ?? 0;
        await log.trim('flow.events', 1, last + 1);
        log = await driver.reopen();
        await append(put('k', '2'));
        const after = collect(log, 1, 0);
        await after.reach(1);
        expect(after.records[0]?.offset).toBeGreaterThan(last);
      });
    });
  });
}

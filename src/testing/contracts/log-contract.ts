/**
 * The contract of the log port as a suite of tests that each driver passes.
 *
 * Owns the cases only. What is special to a driver (faults, damage, full disks) is tested beside it. Call it at the
 * top level of a vitest file; `makeDriver` gives a fresh, empty log for each test.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Claim, Log, LogRecord, TopicSpec } from '../../transport/log/index.ts';
import {
  batch,
  changesOf,
  collect,
  contents,
  expectCode,
  publish,
  put,
  remove,
  restored,
  text,
} from './log-contract-support.ts';
import { logReadingCases } from './log-reading-cases.ts';

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

    const claimShard = (partition = 0, on = log): Promise<Claim> => on.claim({ topic: 'flow.state', partition });
    const append = (...records: LogRecord[]): Promise<void> => log.append('flow.events', 1, records);

    describe('claims', () => {
      it('W1 refuses a commit of an older claim, and nothing of it is visible', async () => {
        const old = await claimShard();
        await old.commit(batch(put('a', 'old')));
        const current = await claimShard(0, (await driver.second?.()) ?? log);
        await expectCode(old.commit(batch(put('a', 'late'), put('b', 'late'))), 'WEIR_LOG_FENCED');
        expect(await restored(current)).toEqual({ a: 'old' });
      });

      it('W1 refuses an older claim even when the newer one is of the same worker', async () => {
        const old = await claimShard();
        const current = await claimShard();
        await expectCode(old.commit(batch(put('a', 'late'))), 'WEIR_LOG_FENCED');
        await current.commit(batch(put('a', 'new')));
        expect(await restored(await claimShard())).toEqual({ a: 'new' });
      });

      it('W1 keeps in the history whatever an older claim committed before', async () => {
        const old = await claimShard();
        const commits = Promise.allSettled([old.commit(batch(put('a', '1')))]);
        const current = await claimShard();
        const [outcome] = await commits;
        const expected = outcome.status === 'fulfilled' ? { a: '1' } : {};
        expect(await restored(current)).toEqual(expected);
      });

      it('W1 refuses to restore for a fenced claim', async () => {
        const old = await claimShard();
        await claimShard();
        await expectCode(restored(old), 'WEIR_LOG_FENCED');
      });

      it('W1 tells the older claim, once, that it lost its shard', async () => {
        const old = await claimShard();
        let told = 0;
        const lost = new Promise<void>((resolve) => {
          old.onLost(() => {
            told += 1;
            resolve();
          });
        });
        await claimShard();
        await lost;
        await claimShard();
        expect(told).toBe(1);
      });

      it('WK16 gives each claim of a shard a greater term', async () => {
        const first = (await claimShard()).term;
        const second = (await claimShard()).term;
        expect(second.incarnation).toBe(first.incarnation);
        expect(second.counter).toBeGreaterThan(first.counter);
      });

      it('WK5 leaves the claims of other shards alone', async () => {
        const neighbour = await claimShard(1);
        await claimShard(0);
        await neighbour.commit(batch(put('a', '1')));
        expect(await restored(await claimShard(1))).toEqual({ a: '1' });
      });

      it('W1 refuses a commit after release', async () => {
        const claim = await claimShard();
        await claim.release();
        await expectCode(claim.commit(batch(put('a', '1'))), 'WEIR_LOG_FENCED');
      });
    });

    describe('commits', () => {
      it('W2 makes all records of a commit visible together', async () => {
        const claim = await claimShard();
        await claim.commit(batch(put('c/1', 'head'), put('j/1/1', 'entry'), put('w/log', '7')));
        expect(await restored(await claimShard())).toEqual({ 'c/1': 'head', 'j/1/1': 'entry', 'w/log': '7' });
      });

      it('WK1 keeps the last of several values of a key in one commit', async () => {
        const claim = await claimShard();
        await claim.commit(batch(put('a', '1'), remove('a'), put('a', '3'), put('b', '1'), remove('b')));
        expect(await restored(await claimShard())).toEqual({ a: '3' });
      });

      it('WK1 keeps shards of one topic apart', async () => {
        const claims = await Promise.all([0, 1, 2, 3].map((partition) => claimShard(partition)));
        await Promise.all(claims.map((claim, index) => claim.commit(batch(put('a', `shard ${index}`)))));
        const states = await Promise.all([0, 1, 2, 3].map(async (partition) => restored(await claimShard(partition))));
        expect(states).toEqual([{ a: 'shard 0' }, { a: 'shard 1' }, { a: 'shard 2' }, { a: 'shard 3' }]);
      });

      it('WK1 applies commits of a shard in their order', async () => {
        const claim = await claimShard();
        for (let count = 1; count <= 100; count++) await claim.commit(batch(put('count', String(count))));
        expect(await restored(await claimShard())).toEqual({ count: '100' });
      });

      it('W2 has taken the values when commit returns, so that buffers can be used again', async () => {
        const claim = await claimShard();
        const value = Buffer.from('first');
        const commit = claim.commit({ records: [{ key: 'a', value }], publications: [] });
        value.fill(0);
        await commit;
        expect(await restored(await claimShard())).toEqual({ a: 'first' });
      });

      it('W2 takes an empty commit, and empty values', async () => {
        const claim = await claimShard();
        await claim.commit(batch());
        await claim.commit(batch(put('empty', '')));
        expect(await restored(await claimShard())).toEqual({ empty: '' });
      });

      it('W7 refuses a commit over the limits as a whole, and the claim goes on', async () => {
        const claim = await claimShard();
        const large = { key: 'large', value: new Uint8Array(log.limits.maxRecordBytes + 1) };
        await expectCode(claim.commit(batch(put('a', '1'), large)), 'WEIR_LOG_TOO_LARGE');
        const full = { key: 'full', value: new Uint8Array(log.limits.maxRecordBytes) };
        const count = Math.ceil(log.limits.maxBatchBytes / log.limits.maxRecordBytes) + 1;
        await expectCode(claim.commit(batch(...Array.from({ length: count }, () => full))), 'WEIR_LOG_TOO_LARGE');
        await claim.commit(batch(full));
        expect(Object.keys(await restored(await claimShard()))).toEqual(['full']);
      });
    });

    describe('restore', () => {
      it('WK3 gives the newest value of each live key', async () => {
        const claim = await claimShard();
        await claim.commit(batch(put('a', '1'), put('b', '1'), put('c', '1')));
        await claim.commit(batch(put('a', '2'), remove('b')));
        await claim.commit(batch(remove('never'), put('d', '1')));
        expect(await restored(await claimShard())).toEqual({ a: '2', c: '1', d: '1' });
      });

      it('WK3 gives keys in the order of their bytes, in several chunks', async () => {
        const claim = await claimShard();
        const special = ['', 'Z', 'a', 'a/', 'a/b', 'a0', 'é', '日本', '\u{ffee}', '\u{1f600}'];
        const keys = [...special, ...Array.from({ length: 2_000 }, (_, index) => `n/${(index * 7_919) % 2_000}`)];
        await claim.commit(batch(...keys.map((key) => put(key, key))));
        const seen: string[] = [];
        let chunks = 0;
        for await (const chunk of (await claimShard()).restore()) {
          chunks += 1;
          seen.push(...chunk.map((record) => record.key));
        }
        expect(seen).toEqual(keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        expect(chunks).toBeGreaterThan(1);
      });

      it('WK3 gives nothing for a shard that was never written', async () => {
        expect(await restored(await claimShard(3))).toEqual({});
      });
    });

    describe('events', () => {
      it('WK1 delivers the records of a partition in order, each with a greater offset', async () => {
        const reader = collect(log, 1, 0);
        await append(put('a', '1'), put('b', '2'));
        await append(put('a', '3'));
        await reader.reach(3);
        expect(reader.records.map(({ key, value }) => [key, text(value)])).toEqual([
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
        ]);
        const offsets = reader.records.map((record) => record.offset);
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
      });

      it('WK1 keeps the order of appends that do not wait for each other', async () => {
        const reader = collect(log, 1, 0);
        const values = Array.from({ length: 300 }, (_, index) => String(index));
        await Promise.all(values.map((value) => append(put('k', value))));
        await reader.reach(300);
        expect(reader.records.map((record) => text(record.value))).toEqual(values);
      });

      it('WK1 starts a tail at the offset it asks for, and goes on live', async () => {
        await append(...Array.from({ length: 1_000 }, (_, index) => put('k', String(index))));
        const all = collect(log, 1, 0);
        await all.reach(1_000);
        const from = all.records[700]?.offset ?? 0;
        const late = collect(log, 1, from);
        await late.reach(300);
        await append(put('k', 'live'));
        await late.reach(301);
        await all.reach(1_001);
        expect(text(late.records[0]?.value)).toBe('700');
        expect(text(late.records.at(-1)?.value)).toBe('live');
        expect(late.records).toEqual(all.records.slice(700));
      });

      it('WK1 delivers to each tail, in a later turn, and only what is of its partition', async () => {
        await append(put('k', 'one'));
        const first = collect(log, 1, 0);
        const second = collect(log, 1, 0);
        const other = collect(log, 2, 0);
        expect(first.records).toEqual([]);
        await Promise.all([first.reach(1), second.reach(1)]);
        await log.append('flow.events', 2, [put('k', 'two')]);
        await other.reach(1);
        expect(other.records.map((record) => text(record.value))).toEqual(['two']);
      });

      it('W1 delivers nothing to a tail that was closed', async () => {
        const closed = collect(log, 1, 0);
        const open = collect(log, 1, 0);
        await append(put('k', '1'));
        await Promise.all([closed.reach(1), open.reach(1)]);
        closed.close();
        await append(put('k', '2'));
        await open.reach(2);
        expect(closed.records.length).toBe(1);
      });

      it('WK17 holds records back while a receiver asks for it, and loses none of them', async () => {
        const seen: string[] = [];
        const held = Promise.withResolvers<void>();
        const first = Promise.withResolvers<void>();
        const all = Promise.withResolvers<void>();
        log.tail('flow.events', 1, 0, (records) => {
          for (const { value } of records) seen.push(text(value) ?? '');
          first.resolve();
          if (seen.length === 3) all.resolve();
          return seen.length === 1 ? held.promise : undefined;
        });
        await append(put('k', '1'));
        await first.promise;
        await append(put('k', '2'), put('k', '3'));
        await collect(log, 1, 0).reach(3);
        expect(seen).toEqual(['1']);
        held.resolve();
        await all.promise;
        expect(seen).toEqual(['1', '2', '3']);
      });

      it('WK3 forgets trimmed records and goes on with greater offsets', async () => {
        await append(...['0', '1', '2', '3'].map((value) => put('k', value)));
        const before = collect(log, 1, 0);
        await before.reach(4);
        await log.trim('flow.events', 1, (before.records[2]?.offset ?? 0) + 1);
        const after = collect(log, 1, 0);
        await after.reach(1);
        expect(text(after.records[0]?.value)).toBe('3');
        await append(put('k', '4'));
        await after.reach(2);
        expect(after.records[1]?.offset).toBeGreaterThan(before.records[3]?.offset ?? 0);
      });

      it('WK1 refuses to append a record without a value', async () => {
        await expectCode(append(remove('k')), 'WEIR_LOG_TOPIC');
      });
    });

    describe('tables and publications', () => {
      it('W3 shows a publication after its commit, in snapshot and changes', async () => {
        const early = await log.table('flow.status');
        const changed = changesOf(early, 2);
        const claim = await claimShard(2);
        await claim.commit({
          records: [put('a', '1')],
          publications: [publish('f1', 'RUNNING'), publish('f2', 'DONE')],
        });
        expect(await changed).toEqual([
          ['f1', 'RUNNING'],
          ['f2', 'DONE'],
        ]);
        const late = await log.table('flow.status');
        expect(contents(late)).toEqual({ f1: 'RUNNING', f2: 'DONE' });
        expect(contents(early)).toEqual(contents(late));
        expect(late.size).toBe(2);
        expect(text(late.get('f1'))).toBe('RUNNING');
      });

      it('W3 never shows the publications of a commit that was refused', async () => {
        const table = await log.table('flow.status');
        const changed = changesOf(table, 1);
        const old = await claimShard();
        const current = await claimShard();
        const late = { records: [], publications: [publish('f', 'late')] };
        await expectCode(old.commit(late), 'WEIR_LOG_FENCED');
        await current.commit({ records: [], publications: [publish('f', 'new')] });
        expect(await changed).toEqual([['f', 'new']]);
      });

      it('WK1 keeps the order of publications: the last one of a key is its value', async () => {
        const table = await log.table('flow.status');
        const changed = changesOf(table, 52);
        const claim = await claimShard();
        for (let version = 0; version < 50; version++) {
          await claim.commit({ records: [], publications: [publish('f', String(version))] });
        }
        await claim.commit({ records: [], publications: [publish('f', 'last'), publish('g', '1')] });
        const versions = (await changed).filter(([key]) => key === 'f').map(([, value]) => value);
        expect(versions).toEqual([...Array.from({ length: 50 }, (_, version) => String(version)), 'last']);
        expect(contents(table)).toEqual({ f: 'last', g: '1' });
      });

      it('WK1 removes a key that is published without a value', async () => {
        const table = await log.table('flow.status');
        const changed = changesOf(table, 2);
        const claim = await claimShard();
        await claim.commit({ records: [], publications: [publish('f', '1')] });
        await claim.commit({ records: [], publications: [publish('f', null)] });
        expect(await changed).toEqual([
          ['f', '1'],
          ['f', undefined],
        ]);
        expect(contents(await log.table('flow.status'))).toEqual({});
      });

      it('W3 keeps publications out of what the shard restores', async () => {
        const claim = await claimShard();
        await claim.commit({ records: [put('a', '1')], publications: [publish('f', '1')] });
        expect(await restored(await claimShard())).toEqual({ a: '1' });
      });

      it('W3 a table that is opened while a publication is on its way has it in the end', async () => {
        const claim = await claimShard();
        for (let version = 0; version < 20; version++) {
          const commit = claim.commit({ records: [], publications: [publish('f', String(version))] });
          const table = await log.table('flow.status');
          await commit;
          if (text(table.get('f')) !== String(version)) await changesOf(table, 1);
          expect(contents(table)).toEqual({ f: String(version) });
          table.close();
        }
      });

      it('W1 tells a closed table nothing', async () => {
        const closed = await log.table('flow.status');
        const open = await log.table('flow.status');
        let told = 0;
        closed.onChange(() => {
          told += 1;
        });
        closed.close();
        const changed = changesOf(open, 1);
        await (await claimShard()).commit({ records: [], publications: [publish('f', '1')] });
        await changed;
        expect(told).toBe(0);
      });
    });

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

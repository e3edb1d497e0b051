/** The log contract's cases of shards: who may commit, what a commit is, and what a claim restores. */
import { describe, expect, it } from 'vitest';
import type { Log } from '../../transport/log/index.ts';
import { batch, claimer, expectCode, put, remove, restored } from './log-contract-support.ts';

/** Runs the cases over the log that `open` gives for each test; `second` is another worker on it, where there can be one. */
export function logShardCases(open: () => Log, second: () => Promise<Log>): void {
  const claimShard = claimer(open);

  describe('claims', () => {
    it('W1 refuses a commit of an older claim, and nothing of it is visible', async () => {
      const old = await claimShard();
      await old.commit(batch(put('a', 'old')));
      const current = await claimShard(0, await second());
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
      const large = { key: 'large', value: new Uint8Array(open().limits.maxRecordBytes + 1) };
      await expectCode(claim.commit(batch(put('a', '1'), large)), 'WEIR_LOG_TOO_LARGE');
      const full = { key: 'full', value: new Uint8Array(open().limits.maxRecordBytes) };
      const count = Math.ceil(open().limits.maxBatchBytes / open().limits.maxRecordBytes) + 1;
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

    it('WK3 gives the keys of each kind together, kinds in the order of their bytes, in several chunks', async () => {
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
      const inOrder = (texts: readonly string[]): string[] =>
        [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const kindOf = (key: string): string => /^[^/]*\/?/.exec(key)?.[0] ?? '';
      expect(inOrder(seen)).toEqual(inOrder(keys));
      expect(seen.map(kindOf)).toEqual(inOrder(seen.map(kindOf)));
      expect(chunks).toBeGreaterThan(1);
    });

    it('WK3 gives nothing for a shard that was never written', async () => {
      expect(await restored(await claimShard(3))).toEqual({});
    });
  });
}

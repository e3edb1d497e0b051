/** The log contract's cases of tables: what commits publish, and how those who hold a table hear of it. */
import { describe, expect, it, vi } from 'vitest';
import type { Log } from '../../transport/log/index.ts';
import { changesOf, claimer, contents, expectCode, publish, put, restored, text } from './log-contract-support.ts';

/** Runs the cases over the log that `open` gives for each test; its topics are there. */
export function logTableCases(open: () => Log): void {
  const claimShard = claimer(open);

  describe('tables and publications', () => {
    it('W3 shows a publication after its commit, in snapshot and changes', async () => {
      const early = await open().table('flow.status');
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
      const late = await open().table('flow.status');
      expect(contents(late)).toEqual({ f1: 'RUNNING', f2: 'DONE' });
      expect(contents(early)).toEqual(contents(late));
      expect(late.size).toBe(2);
      expect(text(late.get('f1'))).toBe('RUNNING');
    });

    it('W3 never shows the publications of a commit that was refused', async () => {
      const table = await open().table('flow.status');
      const changed = changesOf(table, 1);
      const old = await claimShard();
      const current = await claimShard();
      const late = { records: [], publications: [publish('f', 'late')] };
      await expectCode(old.commit(late), 'WEIR_LOG_FENCED');
      await current.commit({ records: [], publications: [publish('f', 'new')] });
      expect(await changed).toEqual([['f', 'new']]);
    });

    it('WK1 keeps the order of publications: the last one of a key is its value', async () => {
      const table = await open().table('flow.status');
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

    it('W8 knows that it is behind until it has told of what the claims of its log have made durable', async () => {
      const table = await open().table('flow.status');
      const claim = await claimShard(1);
      expect(table.isBehind(1)).toBe(false);
      for (let version = 0; version < 20; version++) {
        await claim.commit({ records: [], publications: [publish('f', String(version))] });
        if (!table.isBehind(1)) expect(text(table.get('f'))).toBe(String(version));
      }
      const others = changesOf(table, 1);
      await claim.commit({ records: [], publications: [publish('g', 'last')] });
      await others;
      await vi.waitFor(() => expect(table.isBehind(1)).toBe(false), { timeout: 50_000 });
      expect(contents(table)).toEqual({ f: '19', g: 'last' });
    });

    it('WK1 removes a key that is published without a value', async () => {
      const table = await open().table('flow.status');
      const changed = changesOf(table, 2);
      const claim = await claimShard();
      await claim.commit({ records: [], publications: [publish('f', '1')] });
      await claim.commit({ records: [], publications: [publish('f', null)] });
      expect(await changed).toEqual([
        ['f', '1'],
        ['f', undefined],
      ]);
      expect(contents(await open().table('flow.status'))).toEqual({});
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
        const table = await open().table('flow.status');
        await commit;
        if (text(table.get('f')) !== String(version)) await changesOf(table, 1);
        expect(contents(table)).toEqual({ f: String(version) });
        table.close();
      }
    });

    it('W1 tells a closed table nothing', async () => {
      const closed = await open().table('flow.status');
      const other = await open().table('flow.status');
      let told = 0;
      closed.onChange(() => {
        told += 1;
      });
      closed.close();
      const changed = changesOf(other, 1);
      await (await claimShard()).commit({ records: [], publications: [publish('f', '1')] });
      await changed;
      expect(told).toBe(0);
    });
  });
}

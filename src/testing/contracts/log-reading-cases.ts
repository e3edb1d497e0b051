/** The log contract's cases of tables that nobody holds: `read`, once and in either direction, and `handOver`. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claim, Log, ReadOptions, StoredRecord } from '../../transport/log/index.ts';
import { changesOf, contents, expectCode, publish, text } from './log-contract-support.ts';

/** Runs the cases over the log that `open` gives for each test; its topics are there. */
export function logReadingCases(open: () => Log): void {
  const claims = new Map<string, Claim>();
  beforeEach(() => claims.clear());
  /** Publishes under the claim of `owner`; every other owner is a takeover. */
  const write = async (
    partition: number,
    entries: ReadonlyArray<readonly [string, string | null]>,
    owner = 'first',
  ): Promise<void> => {
    const name = `${partition} ${owner}`;
    const claim = claims.get(name) ?? (await open().claim({ topic: 'flow.state', partition }));
    claims.set(name, claim);
    const publications = entries.map(([key, value]) => publish(key, value));
    await claim.commit({ records: [], publications });
    // Publications may follow their commit; a view that has the last of them has all.
    const table = await open().table('flow.status');
    const [key = '', value] = entries.at(-1) ?? [];
    const wanted = value === null ? undefined : value;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (text(table.get(key)) === wanted) resolve();
      };
      table.onChange(look);
      look();
    });
    table.close();
  };
  const read = async (partition: number, options?: ReadOptions): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = [];
    for await (const chunk of open().read('flow.status', partition, options)) records.push(...chunk);
    return records;
  };
  const inWords = (records: readonly StoredRecord[]) => records.map(({ key, value }) => `${key}=${text(value)}`);
  const numbered = (count: number, first = 0) =>
    Array.from(
      { length: count },
      (_, index) => [`n/${String(first + index).padStart(6, '0')}`, `${first + index}`] as const,
    );

  describe('tables whose records somebody takes over', () => {
    it('W7 hold none from then on, and tell of changes as before', async () => {
      await write(1, [
        ['a', '1'],
        ['b', '2'],
      ]);
      const table = await open().table('flow.status');
      const taken = [...table.handOver()].map(([key, value]) => [key, text(value)]);
      expect(taken.sort()).toEqual([
        ['a', '1'],
        ['b', '2'],
      ]);
      const changed = changesOf(table, 2);
      await write(1, [
        ['a', '3'],
        ['b', null],
      ]);
      expect(await changed).toEqual([
        ['a', '3'],
        ['b', undefined],
      ]);
      expect([contents(table), table.size, table.get('a')]).toEqual([{}, 0, undefined]);
      expect(table.handOver().size).toBe(0);
    });
  });

  describe('readings', () => {
    it('WK1 give what was published to a partition, oldest or newest first', async () => {
      await write(1, [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ]);
      await write(2, [['d', '4']]);
      expect(inWords(await read(1))).toEqual(['a=1', 'b=2', 'c=3']);
      expect(inWords(await read(1, { backwards: true }))).toEqual(['c=3', 'b=2', 'a=1']);
      expect(inWords(await read(2))).toEqual(['d=4']);
      expect(await read(3)).toEqual([]);
      expect(await read(3, { backwards: true })).toEqual([]);
    });

    it('WK1 go on behind any record, in both directions, over any number of chunks', async () => {
      const all = numbered(1_500);
      for (let start = 0; start < all.length; start += 500) await write(0, all.slice(start, start + 500));
      const words = all.map(([key, value]) => `${key}=${value}`);
      const forwards = await read(0);
      expect(inWords(forwards)).toEqual(words);
      const backwards = await read(0, { backwards: true });
      expect(inWords(backwards)).toEqual([...words].reverse());
      for (const place of [0, 1, 255, 256, 700, 1_498, 1_499]) {
        expect(inWords(await read(0, { after: forwards[place]?.position }))).toEqual(words.slice(place + 1));
        const rest = await read(0, { after: forwards[place]?.position, backwards: true });
        expect(inWords(rest)).toEqual(words.slice(0, place).reverse());
      }
    });

    it('WK3 say of each key what it is now, by its newest record, also after a takeover', async () => {
      await write(1, numbered(20));
      await write(1, [...numbered(10).map(([key]) => [key, null] as const), ['n/000015', 'other']], 'second');
      const newest = new Map<string, string | undefined>();
      for (const { key, value } of await read(1)) newest.set(key, text(value));
      const seen = new Map<string, string | undefined>();
      for (const { key, value } of await read(1, { backwards: true })) if (!seen.has(key)) seen.set(key, text(value));
      const live = numbered(10, 10).map(([key, value]) => [key, key === 'n/000015' ? 'other' : value]);
      for (const found of [newest, seen]) {
        expect([...found].filter(([, value]) => value !== undefined).sort()).toEqual(live);
      }
    });

    it('WK1 give what is under a prefix, and go on there', async () => {
      const mixed = numbered(300).flatMap(([key, value]) => [
        [`a/${key}`, value] as const,
        [`b/${key}`, value] as const,
      ]);
      await write(2, mixed);
      for (const backwards of [false, true]) {
        const found = await read(2, { under: 'b/', backwards });
        expect(found).toHaveLength(300);
        expect(found.every(({ key }) => key.startsWith('b/'))).toBe(true);
        expect(await read(2, { under: 'b/', backwards, after: found[100]?.position })).toEqual(found.slice(101));
      }
      expect(await read(2, { under: 'c/' })).toEqual([]);
    });

    it('WK17 may be left in the middle', async () => {
      await write(0, numbered(600));
      for await (const [first] of open().read('flow.status', 0)) {
        expect(first?.key).toBe('n/000000');
        break;
      }
      expect(await read(0)).toHaveLength(600);
    });

    it('refuse topics that are no tables, partitions that are none, and a log that is closed', async () => {
      const first = (topic: string, partition: number) => open().read(topic, partition)[Symbol.asyncIterator]().next();
      await expectCode(first('flow.events', 0), 'WEIR_LOG_TOPIC');
      await expectCode(first('flow.status', 99), 'WEIR_LOG_TOPIC');
      await open().close();
      await expectCode(first('flow.status', 0), 'WEIR_LOG_CLOSED');
    });
  });
}

/** The log contract's cases of events: appends, tails, and what is trimmed. */
import { describe, expect, it } from 'vitest';
import type { Log } from '../../transport/log/index.ts';
import { appender, collect, expectCode, put, remove, text } from './log-contract-support.ts';

/** Runs the cases over the log that `open` gives for each test; its topics are there. */
export function logEventCases(open: () => Log): void {
  const append = appender(open);

  describe('events', () => {
    it('WK1 delivers the records of a partition in order, each with a greater offset', async () => {
      const reader = collect(open(), 1, 0);
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
      const reader = collect(open(), 1, 0);
      const values = Array.from({ length: 300 }, (_, index) => String(index));
      await Promise.all(values.map((value) => append(put('k', value))));
      await reader.reach(300);
      expect(reader.records.map((record) => text(record.value))).toEqual(values);
    });

    it('WK1 starts a tail at the offset it asks for, and goes on live', async () => {
      await append(...Array.from({ length: 1_000 }, (_, index) => put('k', String(index))));
      const all = collect(open(), 1, 0);
      await all.reach(1_000);
      const from = all.records[700]?.offset ?? 0;
      const late = collect(open(), 1, from);
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
      const first = collect(open(), 1, 0);
      const second = collect(open(), 1, 0);
      const other = collect(open(), 2, 0);
      expect(first.records).toEqual([]);
      await Promise.all([first.reach(1), second.reach(1)]);
      await open().append('flow.events', 2, [put('k', 'two')]);
      await other.reach(1);
      expect(other.records.map((record) => text(record.value))).toEqual(['two']);
    });

    it('W1 delivers nothing to a tail that was closed', async () => {
      const closed = collect(open(), 1, 0);
      const other = collect(open(), 1, 0);
      await append(put('k', '1'));
      await Promise.all([closed.reach(1), other.reach(1)]);
      closed.close();
      await append(put('k', '2'));
      await other.reach(2);
      expect(closed.records.length).toBe(1);
    });

    it('WK17 holds records back while a receiver asks for it, and loses none of them', async () => {
      const seen: string[] = [];
      const held = Promise.withResolvers<void>();
      const first = Promise.withResolvers<void>();
      const all = Promise.withResolvers<void>();
      open().tail('flow.events', 1, 0, (records) => {
        for (const { value } of records) seen.push(text(value) ?? '');
        first.resolve();
        if (seen.length === 3) all.resolve();
        return seen.length === 1 ? held.promise : undefined;
      });
      await append(put('k', '1'));
      await first.promise;
      await append(put('k', '2'), put('k', '3'));
      await collect(open(), 1, 0).reach(3);
      expect(seen).toEqual(['1']);
      held.resolve();
      await all.promise;
      expect(seen).toEqual(['1', '2', '3']);
    });

    it('WK3 forgets trimmed records and goes on with greater offsets', async () => {
      await append(...['0', '1', '2', '3'].map((value) => put('k', value)));
      const before = collect(open(), 1, 0);
      await before.reach(4);
      await open().trim('flow.events', 1, (before.records[2]?.offset ?? 0) + 1);
      const after = collect(open(), 1, 0);
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
}

/** The audit as a broker gives it: with entries that have left, repeats after takeovers, and more than one request reads. */
import { describe, expect, it } from 'vitest';
import { entryKey } from '../../../src/actors/flow/audit-keys.ts';
import { anchorOf, newestFirst, oldestFirst } from '../../../src/actors/rpc/audit/chain-reader.ts';
import { decodeCursor } from '../../../src/actors/rpc/audit/cursor.ts';
import { readPage } from '../../../src/actors/rpc/audit/page.ts';
import { auditRecord, chainAnchor } from '../../../src/persistence/index.ts';
import type { Log, StoredRecord } from '../../../src/transport/log/index.ts';

const chain = { chain: 0, partition: 0 };
const noHash = new Uint8Array(32);

function entry(number: number, at = number, principal = 'ada'): [string, Uint8Array] {
  const about = { flowId: 'f', flow: 'buy', version: 1, memberName: 'A', memberGroup: 'default', clientRequestId: 'r' };
  const what = { act: 'start', subject: '', principal, principalKind: 'client' as const, reason: '', code: '' };
  const record = { number, at, ...about, ...what, before: null, after: null, previous: noHash, hash: noHash };
  return [entryKey(0, number), auditRecord.encode(record)];
}

const gone = (number: number): [string, null] => [entryKey(0, number), null];
const anchor = (number: number): [string, Uint8Array] => [
  '0000/anchor',
  chainAnchor.encode({ number, hash: noHash, at: 0, resting: [] }),
];

/** A log whose audit is these records, in this order, in each of its chains. */
function logOf(...records: ReadonlyArray<readonly [string, Uint8Array | null]>): Pick<Log, 'read'> {
  const stored = records.map(([key, value], offset): StoredRecord => ({ key, value, position: String(offset) }));
  return {
    async *read(_topic, _partition, { after, backwards = false } = {}) {
      const from = backwards ? [...stored].reverse() : stored;
      const start = after === undefined ? 0 : from.findIndex(({ position }) => position === after) + 1;
      for (let at = start; at < from.length; at += 100) yield from.slice(at, at + 100);
    },
  };
}

async function numbersOf(entries: AsyncIterable<{ readonly entry: { readonly number: number } }>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { entry: found } of entries) numbers.push(found.number);
  return numbers;
}

/** Entries 1 to 3 have left, but are there still; 6 and 7 came again after a takeover. */
const kafkaLike = logOf(
  ...[anchor(0), entry(1), entry(2), entry(3), entry(4), entry(5), entry(6), entry(7)],
  ...[entry(6), entry(7), anchor(3), gone(1), gone(2), gone(3), entry(8)],
);

describe('SM17 a chain as a broker gives it', () => {
  it('is read from the newest entry on, each once, to the anchor', async () => {
    expect(await numbersOf(newestFirst(kafkaLike, chain))).toEqual([8, 7, 6, 5, 4]);
  });

  it('is read from the anchor on, each entry once', async () => {
    expect(await numbersOf(oldestFirst(kafkaLike, chain))).toEqual([4, 5, 6, 7, 8]);
  });

  it('is read on from any entry, in both directions', async () => {
    for (const [read, wanted] of [
      [newestFirst, [8, 7, 6, 5, 4] as readonly number[]],
      [oldestFirst, [4, 5, 6, 7, 8] as readonly number[]],
    ] as const) {
      for await (const { entry: found, place } of read(kafkaLike, chain)) {
        const rest = wanted.slice(wanted.indexOf(found.number) + 1);
        expect(await numbersOf(read(kafkaLike, chain, place))).toEqual(rest);
      }
    }
  });

  it('has the newest anchor, or begins at its start', async () => {
    expect((await anchorOf(kafkaLike, chain)).number).toBe(3);
    expect((await anchorOf(logOf(), chain)).number).toBe(0);
    expect(await numbersOf(newestFirst(logOf(), chain))).toEqual([]);
  });
});

describe('SM17 a page', () => {
  const page = { chains: [chain], from: undefined, limit: 10, since: undefined, fits: () => true };

  it('W7 ends when much was looked through, and the next one goes on', async () => {
    const many = Array.from({ length: 30_000 }, (_, index) => entry(index + 1, index, index === 50 ? 'eve' : 'ada'));
    const log = logOf(anchor(0), ...many);
    const fits = ({ principal }: { principal: string }): boolean => principal === 'eve';
    const first = await readPage({ ...page, log, fits });
    expect([first.entries.length, first.cursor]).toEqual([0, expect.any(String)]);
    const second = await readPage({ ...page, log, fits, from: decodeCursor(first.cursor ?? '') });
    expect(second.entries.map(({ number }) => number)).toEqual([51]);
    expect(second.cursor).toBeUndefined();
  });

  it('does not read on behind what is older than asked for, though clocks differ', async () => {
    let read = 0;
    const log = logOf(anchor(0), ...Array.from({ length: 5_000 }, (_, index) => entry(index + 1, index * 60_000)));
    const counting: Pick<Log, 'read'> = {
      async *read(...args) {
        for await (const chunk of log.read(...args)) {
          read += chunk.length;
          yield chunk;
        }
      },
    };
    const found = await readPage({ ...page, log: counting, limit: 1_000, since: 4_990 * 60_000 });
    expect([found.entries.length, found.cursor]).toEqual([10, undefined]);
    expect(read).toBeLessThan(300);
  });
});

import { describe, expect, it } from 'vitest';
import { encodeCount } from '../../../src/actors/shard/count.ts';
import { encodeRouted, type RoutedMessage } from '../../../src/actors/shard/protocol.ts';
import { StreamEnds } from '../../../src/actors/shard/stream-ends.ts';
import type { LogRecord } from '../../../src/transport/log/index.ts';

/** What shard 0 still has of its stream to shard 1, and how much of it that one has taken. */
interface Stream {
  readonly entries: readonly number[];
  readonly taken: number;
  /** Messages that still lie in the events of either. */
  readonly heard?: ReadonlyArray<readonly [shard: number, message: RoutedMessage]>;
}

/** The same after it was mended: entries by number, with the number that each of them had, or nothing. */
function mended({ entries, taken, heard = [] }: Stream) {
  const sender = entries.map((number) => ({ key: `o/1/${number}`, value: encodeCount(number) }));
  const receiver = taken === 0 ? [] : [{ key: 'w/0', value: encodeCount(taken) }];
  const ends = new StreamEnds();
  for (const record of sender) ends.survey(0, record);
  for (const record of receiver) ends.survey(1, record);
  for (const [shard, message] of heard) ends.hear(shard, { key: message.type, value: encodeRouted(message) });
  const sent = over(sender, ends.mend(0, sender).sent);
  const got = over(receiver, ends.mend(1, receiver).taken);
  return {
    entries: Object.fromEntries([...sent].map(([key, value]) => [Number(key.slice('o/1/'.length)), text(value)])),
    taken: Number(text(got.get('w/0') ?? encodeCount(0))),
  };
}

function over(records: readonly LogRecord[], changes: readonly LogRecord[]): ReadonlyMap<string, Uint8Array> {
  const left = new Map<string, Uint8Array>();
  for (const { key, value } of [...records, ...changes]) value === null ? left.delete(key) : left.set(key, value);
  return left;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

describe('the ends of a stream after commits have got lost', () => {
  it('WK16 a stream that has never come apart is left as it is', () => {
    expect(mended({ entries: [7, 8, 9], taken: 7 })).toEqual({ entries: { 7: '7', 8: '8', 9: '9' }, taken: 7 });
    expect(mended({ entries: [9], taken: 9 })).toEqual({ entries: { 9: '9' }, taken: 9 });
    expect(mended({ entries: [1, 2], taken: 0 })).toEqual({ entries: { 1: '1', 2: '2' }, taken: 0 });
  });

  it('WK16 a sender that has forgotten what it sent gives numbers that its receiver has not taken', () => {
    expect(mended({ entries: [4, 5], taken: 9 })).toEqual({ entries: { 9: '' }, taken: 9 });
    expect(mended({ entries: [], taken: 9 })).toEqual({ entries: { 9: '' }, taken: 9 });
  });

  it('WK16 a receiver that has forgotten what it took is sent what there is still, behind all numbers that were given', () => {
    // 7 was acknowledged, and is there so that numbers go on; 5 and 6 are gone.
    expect(mended({ entries: [7, 8], taken: 4 })).toEqual({ entries: { 9: '7', 10: '8' }, taken: 8 });
  });

  it('WK16 what still lies in the log of commits that are gone is not taken for something new', () => {
    const entries = [{ number: 7, bytes: encodeCount(7) }];
    const delivered = { type: 'delivery', from: 0, entries } as const;
    expect(mended({ entries: [5], taken: 5, heard: [[1, delivered]] })).toEqual({ entries: { 7: '' }, taken: 7 });
    const acknowledged = { type: 'ack', from: 1, number: 8, resend: false } as const;
    expect(mended({ entries: [5, 6], taken: 5, heard: [[0, acknowledged]] })).toEqual({
      entries: { 9: '6' },
      taken: 8,
    });
  });

  it('WK16 it is mended again where that broke off between both ends, and nothing is lost or taken twice by it', () => {
    // The sender's part of the third case is written, the receiver's is not.
    expect(mended({ entries: [9, 10], taken: 4 })).toEqual({ entries: { 11: '9', 12: '10' }, taken: 10 });
  });
});

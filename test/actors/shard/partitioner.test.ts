import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../src/actors/shard/partitioner.ts';

/** From the tests of Apache Kafka (UtilsTest.testMurmur2). */
const vectors: ReadonlyArray<readonly [string, number]> = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('partitioner', () => {
  it.each(vectors)('gives Kafka\'s hash of "%s"', (text, hash) => {
    expect(murmur2(new TextEncoder().encode(text))).toBe(hash);
  });

  it('hashes bytes wherever they lie in memory', () => {
    const shifted = new Uint8Array([9, ...new TextEncoder().encode('foobar'), 9]).subarray(1, 7);
    expect(murmur2(shifted)).toBe(-790332482);
  });

  it.each(['', 'a', 'abc', 'x'.repeat(256), 'x'.repeat(257), 'caf\u00e9', 'ab\u20ac'])(
    'hashes the UTF-8 of "%s"',
    (key) => {
      const hash = murmur2(new TextEncoder().encode(key));
      expect(partitionOf(key, 1_024)).toBe((hash & 0x7f_ff_ff_ff) % 1_024);
    },
  );

  it('gives every key a partition that exists, always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 1_024 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        return (
          Number.isInteger(partition) &&
          partition >= 0 &&
          partition < partitions &&
          partition === partitionOf(key, partitions)
        );
      }),
    );
  });
});

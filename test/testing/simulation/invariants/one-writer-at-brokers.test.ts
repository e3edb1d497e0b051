import { describe, expect, it } from 'vitest';
import { lateBatch } from '../../../../src/testing/simulation/invariants/one-writer-at-brokers.ts';

type Batch = Parameters<typeof lateBatch>[0][number];

function batch(offset: number, producerId: string, epoch: number, key: string): Batch {
  return {
    bytes: 0,
    deleteHorizonMs: undefined,
    wire: {
      ...{ baseOffset: offset, lastOffset: offset, leaderEpoch: 0, control: false, timestampMs: 0 },
      producer: { producerId, epoch, baseSequence: 0 },
      records: [{ key, value: null, valueLength: -1, offset }],
    },
  };
}

describe('one writer at the brokers', () => {
  const claims = [batch(0, '1', 0, '!claim'), batch(1, '1', 0, 'shard'), batch(2, '2', 0, '!claim')];

  it('TK5 says nothing of owners that follow each other', () => {
    expect(lateBatch([...claims, batch(3, '2', 0, 'shard')])).toBeUndefined();
  });

  it('TK5 finds what a former owner gets in', () => {
    expect(lateBatch([...claims, batch(3, '1', 0, 'shard')])).toBe(
      'offset 3 is of producer 1/0, and 2/0 had claimed it',
    );
  });
});

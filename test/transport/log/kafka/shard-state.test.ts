import { describe, expect, it } from 'vitest';
import { claimRecord, fenceRecord } from '../../../../src/transport/log/kafka/own-records.ts';
import { deadEpoch, ShardState } from '../../../../src/transport/log/kafka/shard-state.ts';
import type { ProducerIdentity, WireBatch, WireRecord } from '../../../../src/transport/log/kafka/wire.ts';

/** Batches of a partition, as compaction may leave them. */
function partition() {
  const batches: WireBatch[] = [];
  let next = 0;
  const sequences = new Map<string, number>();
  const add = (producer: ProducerIdentity | undefined, records: readonly WireRecord[], gone = false): number => {
    const baseOffset = next;
    next += records.length;
    const key = `${producer?.producerId}/${producer?.epoch}`;
    const baseSequence = sequences.get(key) ?? 0;
    sequences.set(key, baseSequence + records.length);
    batches.push({
      ...{ baseOffset, lastOffset: next - 1, leaderEpoch: 0, control: false, timestampMs: 0 },
      producer: producer && { ...producer, baseSequence },
      records: gone
        ? []
        : records.map(({ key, value }, index) => {
            return { key, value, valueLength: value?.length ?? -1, offset: baseOffset + index };
          }),
    });
    return baseOffset;
  };
  return {
    batches,
    data: (producer: ProducerIdentity | undefined, values: Readonly<Record<string, string>>) =>
      add(
        producer,
        Object.entries(values).map(([key, value]) => ({ key, value: Buffer.from(value) })),
      ),
    /** `emptied`: the record is gone, the batch is kept; `dropped`: both are gone. */
    fence(producer: ProducerIdentity, left: 'whole' | 'emptied' | 'dropped' = 'whole'): number {
      const offset = add(producer, [fenceRecord({ ...producer, nonce: 'n' })], left === 'emptied');
      if (left === 'dropped') batches.pop();
      return offset;
    },
    claim(producer: ProducerIdentity, fence: number, counter: number, dropped = false): void {
      add(producer, [claimRecord({ ...producer, fence, counter, incarnation: 1, producers: [producer.producerId] })]);
      if (dropped) batches.pop();
    },
  };
}

function read(batches: readonly WireBatch[]) {
  const state = new ShardState();
  for (const batch of batches) state.take(batch);
  const repairs = state.settle().map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()]);
  const records = state.records().map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]);
  return { records: Object.fromEntries(records), repairs: Object.fromEntries(repairs), term: state.term };
}

const a0 = { producerId: 'a', epoch: 0 };
const b0 = { producerId: 'b', epoch: 0 };
const b1 = { producerId: 'b', epoch: 1 };

describe('state of a shard: which batches count', () => {
  it('WK3 those of a claim whose fence compaction dropped, while an older fence was left', () => {
    const log = partition();
    log.fence(a0, 'emptied');
    log.claim(b0, log.fence(b0, 'dropped'), 2);
    log.data(b0, { x: '1' });
    expect(read(log.batches)).toMatchObject({ records: { x: '1' }, repairs: {}, term: { counter: 2 } });
  });

  it('WK3 those of a claim that has left neither fence nor record, while an older fence was left', () => {
    const log = partition();
    log.fence(a0, 'emptied');
    log.claim(b0, log.fence(b0, 'dropped'), 2, true);
    log.data(b0, { x: '1', y: '1' });
    log.claim(b1, log.fence(b1), 3);
    log.data(b1, { y: '2' });
    expect(read(log.batches)).toMatchObject({ records: { x: '1', y: '2' }, repairs: {}, term: { counter: 3 } });
  });

  it('WK5 not those behind a fence that are not of its claim; the good values are to be written again', () => {
    const log = partition();
    log.claim(b0, log.fence(b0), 1);
    log.data(b0, { x: 'good', y: 'good', z: 'good' });
    log.claim(b1, log.fence(b1), 2);
    log.data(b0, { x: 'zombie', y: 'zombie', w: 'zombie' });
    log.data(b1, { y: 'newer' });
    expect(read(log.batches)).toMatchObject({
      records: { x: 'good', y: 'newer', z: 'good' },
      repairs: { x: 'good', w: null },
    });
  });

  it('WK5 a late record of an older claim does not make that claim the owner again', () => {
    const log = partition();
    const older = log.fence(b0);
    const newer = log.fence(b1);
    log.claim(b1, newer, 2);
    log.claim(b0, older, 1);
    log.data(b0, { x: 'zombie' });
    log.data(b1, { x: 'good' });
    expect(read(log.batches)).toMatchObject({ records: { x: 'good' }, term: { counter: 2 } });
  });

  it('WK5 no dead fence, no transaction marker, and nothing without a producer behind a fence', () => {
    const log = partition();
    log.claim(b0, log.fence(b0), 1);
    log.data({ producerId: 'a', epoch: deadEpoch }, { x: 'dead' });
    log.data(undefined, { x: 'foreign' });
    log.batches.push({ ...whole(log.batches.at(-1)), control: true, producer: { ...b0, baseSequence: -1 } });
    expect(read(log.batches)).toMatchObject({ records: {}, repairs: { x: null } });
  });

  it('WK16 WK20 all of a log that another tool copied: its batches carry headers of that tool', () => {
    const log = partition();
    const mirror = { producerId: 'mirror', epoch: 0 };
    log.data(mirror, { x: '1' });
    const copied = [
      fenceRecord({ ...b0, nonce: 'n' }),
      claimRecord({ ...b0, ...{ incarnation: 1, counter: 9 }, fence: 900, producers: ['b'] }),
    ];
    log.data(mirror, Object.fromEntries(copied.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])));
    log.data(mirror, { y: '2' });
    expect(read(log.batches)).toMatchObject({ records: { x: '1', y: '2' }, repairs: {}, term: { counter: 9 } });
  });
});

function whole(batch: WireBatch | undefined): WireBatch {
  if (batch === undefined) throw new Error('there is no batch');
  return batch;
}

import { describe, expect, it } from 'vitest';
import { kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { fetch, hourMs, produce, rig, texts } from './rig.ts';

describe('model of a broker: the log', () => {
  it('bytes that the caller changes after the call are sent as they were', async () => {
    const { wire } = await rig();
    const value = Buffer.from('before');
    const sent = wire.produce({ topic: 'state', partition: 0, timestampMs: 0, records: [{ key: 'k', value }] });
    value.write('after!');
    await sent;
    expect(await texts(wire)).toEqual(['before']);
  });

  it('size, key and timestamp are checked before the producer, and nothing is appended', async () => {
    const { wire, clock } = await rig(
      {},
      { 'max.message.bytes': '200', 'cleanup.policy': 'compact', 'message.timestamp.before.max.ms': String(hourMs) },
    );
    const now = clock.now();
    const from = { epoch: 0, sequence: 0 };
    expect(await produce(wire, ['x'.repeat(200)], from, now)).toMatchObject({ error: kafkaError.messageTooLarge });
    expect(await produce(wire, ['a'], from, now - hourMs - 1)).toMatchObject({ error: kafkaError.invalidTimestamp });
    const keyless = { topic: 'state', partition: 0, timestampMs: now, records: [{ key: null, value: null }] };
    expect(await wire.produce(keyless)).toMatchObject({ error: kafkaError.invalidRecord });
    expect(await produce(wire, ['a'], from, now)).toEqual({ error: 0, baseOffset: 0 });
    // Rule 5: a repeat with its old timestamp is refused though it is there.
    await clock.advance(hourMs + 1);
    expect(await produce(wire, ['a'], from, now)).toMatchObject({ error: kafkaError.invalidTimestamp });
    expect(await produce(wire, ['a'], from, clock.now())).toEqual({ error: 0, baseOffset: 0 });
  });

  it('a fetch answers whole batches from the one that holds the offset, one at least', async () => {
    const { wire } = await rig();
    await produce(wire, ['a', 'b', 'c']);
    await produce(wire, ['d']);
    const offsets = async (from: number, maxBytes: number) =>
      (await fetch(wire, from, 0, maxBytes)).batches.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]);
    expect(await offsets(1, 1)).toEqual([[0, 2]]);
    expect(await offsets(1, 10_000)).toEqual([
      [0, 2],
      [3, 3],
    ]);
    expect(await offsets(4, 1)).toEqual([]);
    expect(await fetch(wire, 5)).toEqual({
      error: kafkaError.offsetOutOfRange,
      highWatermark: -1,
      logStart: -1,
      batches: [],
    });
  });

  it('a fetch at the end waits for what comes, and no longer than it may', async () => {
    const { wire, clock } = await rig();
    const woken = fetch(wire, 0, 500);
    await clock.advance(499);
    await produce(wire, ['a']);
    expect((await woken).batches).toHaveLength(1);
    const empty = fetch(wire, 1, 500);
    await clock.advance(500);
    expect(await empty).toMatchObject({ error: 0, highWatermark: 1, batches: [] });
  });

  it('records are deleted up to an offset, but not on a topic that is only compacted', async () => {
    const { wire } = await rig();
    await produce(wire, ['a', 'b']);
    expect(await wire.deleteRecords('state', 0, 3)).toEqual({ error: kafkaError.offsetOutOfRange });
    expect(await wire.deleteRecords('state', 0, 1)).toEqual({ error: 0 });
    expect(await wire.offset('state', 0, 'earliest')).toEqual({ error: 0, offset: 1 });
    expect(await fetch(wire, 0)).toMatchObject({ error: kafkaError.offsetOutOfRange });
    expect(await texts(wire, 1)).toEqual(['a', 'b']);
    const { wire: compacted } = await rig({}, { 'cleanup.policy': 'compact' });
    expect(await compacted.deleteRecords('state', 0, 0)).toEqual({ error: kafkaError.policyViolation });
  });

  it('compaction keeps the newest record of each key, the last batch of each producer and all offsets', async () => {
    const { wire, broker } = await rig({}, { 'cleanup.policy': 'compact' });
    await produce(wire, ['a1'], { producerId: '9', epoch: 3, sequence: 0 });
    await produce(wire, ['a2', 'b1'], { epoch: 0, sequence: 0 });
    await produce(wire, ['a3'], { epoch: 0, sequence: 2 });
    await produce(wire, ['b2'], { epoch: 0, sequence: 3 });
    await produce(wire, ['c1'], { epoch: 0, sequence: 4 });
    broker.compact('state', 0);
    const { batches } = await fetch(wire);
    expect(batches.map(({ baseOffset, lastOffset, records }) => [baseOffset, lastOffset, records.length])).toEqual([
      // The only trace of producer 9, so that its older epochs stay refused.
      [0, 0, 0],
      [3, 3, 1],
      [4, 4, 1],
      [5, 5, 1],
    ]);
    expect(await produce(wire, ['z'], { producerId: '9', epoch: 2, sequence: 0 })).toMatchObject({ error: 47 });
    expect(await produce(wire, ['d'], { epoch: 0, sequence: 5 })).toEqual({ error: 0, baseOffset: 6 });
  });

  it('a tombstone stays for its time after the first cleaning, young batches are left alone', async () => {
    const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000', 'min.compaction.lag.ms': '60000' };
    const { wire, broker, clock } = await rig({}, config);
    const remove = { topic: 'state', partition: 0, timestampMs: clock.now(), records: [{ key: 'a', value: null }] };
    await produce(wire, ['a1'], undefined, clock.now());
    await wire.produce(remove);
    await produce(wire, ['b'], undefined, clock.now());
    const left = () => broker.log('state', 0)?.batches.map(({ wire: { baseOffset } }) => baseOffset);
    broker.compact('state', 0);
    expect(left()).toEqual([0, 1, 2]);
    await clock.advance(60_001);
    broker.compact('state', 0);
    expect(left()).toEqual([1, 2]);
    await produce(wire, ['c'], undefined, clock.now() - 60_001);
    await produce(wire, ['c'], undefined, clock.now() - 60_001);
    await clock.advance(999);
    broker.compact('state', 0);
    expect(left()).toEqual([1, 2, 3, 4]);
    await clock.advance(1);
    broker.compact('state', 0);
    expect(left()).toEqual([2, 3, 4]);
  });
});

import { describe, expect, it } from 'vitest';
import { kafkaError, WireFailure } from '../../../../../src/transport/log/kafka/wire.ts';
import { fetch, produce, rig, texts } from './rig.ts';

describe('model of a broker: leaders and replicas', () => {
  it('a new leader is to be found first, and keeps what was acknowledged', async () => {
    const { wire, broker } = await rig();
    await produce(wire, ['a'], { epoch: 0, sequence: 0 });
    broker.setReplication('state', 0, 'lagging');
    expect(await produce(wire, ['b'], { epoch: 0, sequence: 1 })).toMatchObject({ error: 20 });
    broker.changeLeader('state', 0);
    expect(await produce(wire, ['b'], { epoch: 0, sequence: 1 })).toMatchObject({ error: kafkaError.notLeader });
    wire.refresh();
    expect(await texts(wire)).toEqual(['a']);
    expect(await produce(wire, ['c'], { epoch: 0, sequence: 1 })).toEqual({ error: 0, baseOffset: 1 });
  });

  it('what only the leader has is not read, and counts once replicas are back', async () => {
    const { wire, broker } = await rig();
    broker.setReplication('state', 0, 'lagging');
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 0 })).toMatchObject({ error: 20 });
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 0 })).toMatchObject({ error: 20 });
    expect(await texts(wire)).toEqual([]);
    broker.setReplication('state', 0, 'short');
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 0 })).toMatchObject({ error: 19 });
    broker.setReplication('state', 0, 'in-sync');
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 0 })).toEqual({ error: 0, baseOffset: 0 });
    expect(await texts(wire)).toEqual(['a']);
  });

  it('an unclean election loses acknowledged batches and what was known from them', async () => {
    const { wire, broker } = await rig();
    for (let sequence = 0; sequence < 4; sequence += 1) await produce(wire, [`a${sequence}`], { epoch: 0, sequence });
    broker.electUncleanly('state', 0, 2);
    wire.refresh();
    expect(await fetch(wire, 4)).toMatchObject({ error: kafkaError.offsetOutOfRange });
    expect(await produce(wire, ['x'], { epoch: 0, sequence: 4 })).toMatchObject({ error: 45 });
    expect(await produce(wire, ['x'], { epoch: 1, sequence: 0 })).toEqual({ error: 0, baseOffset: 2 });
  });

  it('a deposed leader that does not know it answers reads with the past and writes never', async () => {
    const { wire, broker, clock } = await rig();
    const other = broker.connect('other');
    await produce(wire, ['a']);
    await produce(other, ['b']);
    broker.changeLeader('state', 0, { unaware: true });
    other.refresh();
    await produce(other, ['c']);
    expect(await wire.offset('state', 0, 'latest')).toEqual({ error: 0, offset: 2 });
    expect(await texts(wire)).toEqual(['a', 'b']);
    const lost = expect(produce(wire, ['d'])).rejects.toThrow(WireFailure);
    await clock.advance(30_000);
    await lost;
    broker.settleLeader('state', 0);
    expect(await wire.offset('state', 0, 'latest')).toMatchObject({ error: kafkaError.notLeader });
    expect(await texts(other)).toEqual(['a', 'b', 'c']);
  });

  it('a partition without leader answers nobody who knew it', async () => {
    const { wire, broker, clock } = await rig();
    await produce(wire, ['a']);
    broker.loseLeader('state', 0);
    expect(await produce(broker.connect('other'), ['b'])).toMatchObject({ error: kafkaError.leaderNotAvailable });
    const lost = expect(produce(wire, ['b'])).rejects.toThrow(WireFailure);
    await clock.advance(30_000);
    await lost;
    broker.changeLeader('state', 0);
    wire.refresh();
    expect(await texts(wire)).toEqual(['a']);
  });

  it('a restarted broker remembers the last batch of a producer only', async () => {
    const { wire, broker } = await rig();
    for (let sequence = 0; sequence < 3; sequence += 1) await produce(wire, ['a'], { epoch: 0, sequence });
    broker.restart();
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 2 })).toEqual({ error: 0, baseOffset: 2 });
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 1 })).toMatchObject({ error: 45 });
  });
});

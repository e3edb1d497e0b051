import { describe, expect, it } from 'vitest';
import { kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { dayMs, hourMs, produce, rig, texts } from './rig.ts';

describe('model of a broker: producers', () => {
  it('a claim gives the same producer id and the next epoch, and another id after epoch 32766', async () => {
    const { wire, broker } = await rig();
    expect(await wire.initProducerId('shard-0')).toEqual({ error: 0, producerId: '0', epoch: 0 });
    expect(await wire.initProducerId('shard-0')).toEqual({ error: 0, producerId: '0', epoch: 1 });
    broker.exhaustTransactionalId('shard-0');
    expect(await wire.initProducerId('shard-0')).toEqual({ error: 0, producerId: '1', epoch: 0 });
    expect(await wire.initProducerId('')).toMatchObject({ error: kafkaError.invalidRequest });
  });

  it('a transactional id that was not claimed for 7 days gets another producer id', async () => {
    const { wire, clock } = await rig();
    await wire.initProducerId('shard-0');
    await clock.advance(7 * dayMs);
    expect(await wire.initProducerId('shard-0')).toEqual({ error: 0, producerId: '1', epoch: 0 });
  });

  it('an older epoch is refused once a batch of a newer one is there, and not before', async () => {
    const { wire } = await rig();
    await produce(wire, ['a1'], { epoch: 4, sequence: 0 });
    expect(await produce(wire, ['a2'], { epoch: 4, sequence: 1 })).toEqual({ error: 0, baseOffset: 1 });
    await produce(wire, ['f'], { epoch: 5, sequence: 0 });
    expect(await produce(wire, ['a3'], { epoch: 4, sequence: 2 })).toEqual({
      error: kafkaError.invalidProducerEpoch,
      baseOffset: -1,
    });
  });

  it('a new epoch starts at sequence 0 where the producer is known, anywhere where it is not', async () => {
    const { wire } = await rig();
    expect(await produce(wire, ['a1'], { epoch: 1, sequence: 7 })).toMatchObject({ error: 0 });
    expect(await produce(wire, ['a2'], { epoch: 2, sequence: 8 })).toMatchObject({
      error: kafkaError.outOfOrderSequence,
    });
    expect(await produce(wire, ['a3'], { epoch: 2, sequence: 0 })).toMatchObject({ error: 0 });
  });

  it('a repeat is answered with the original offset as long as it is one of the last five', async () => {
    const { wire } = await rig();
    for (let sequence = 0; sequence < 6; sequence += 1) await produce(wire, ['a'], { epoch: 0, sequence });
    expect(await produce(wire, ['other'], { epoch: 0, sequence: 1 })).toEqual({ error: 0, baseOffset: 1 });
    expect(await produce(wire, ['a'], { epoch: 0, sequence: 0 })).toMatchObject({
      error: kafkaError.outOfOrderSequence,
    });
    expect(await produce(wire, ['a', 'b'], { epoch: 0, sequence: 4 })).toMatchObject({
      error: kafkaError.outOfOrderSequence,
    });
    expect(await texts(wire)).toHaveLength(6);
  });

  it('sequences go round after 2^31 - 1, and a batch across the end may be repeated', async () => {
    const { wire } = await rig();
    const last = 2 ** 31 - 1;
    await produce(wire, ['a'], { epoch: 0, sequence: last - 1 });
    expect(await produce(wire, ['b', 'c'], { epoch: 0, sequence: last })).toEqual({ error: 0, baseOffset: 1 });
    expect(await produce(wire, ['b', 'c'], { epoch: 0, sequence: last })).toEqual({ error: 0, baseOffset: 1 });
    expect(await produce(wire, ['d'], { epoch: 0, sequence: 1 })).toEqual({ error: 0, baseOffset: 3 });
  });

  it('a producer is forgotten a day after the timestamp of its last batch, however late it came', async () => {
    const { wire, clock } = await rig();
    await produce(wire, ['a'], { epoch: 5, sequence: 0 }, clock.now() - dayMs + 30 * 60_000);
    expect(await produce(wire, ['b'], { epoch: 4, sequence: 9 }, clock.now())).toMatchObject({ error: 47 });
    await clock.advance(hourMs);
    expect(await produce(wire, ['b'], { epoch: 4, sequence: 9 }, clock.now())).toEqual({ error: 0, baseOffset: 1 });
  });
});

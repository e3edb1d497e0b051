import { describe, expect, it } from 'vitest';
import { kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { produce, rig } from './rig.ts';

describe('model of a broker: topics', () => {
  it('refuses what a broker refuses', async () => {
    const { wire } = await rig();
    const made = (name: string, partitions: number, replication: number, config = {}) =>
      wire.createTopics([{ name, partitions, replication, config }]).then(([answer]) => answer?.error);
    expect(await made('state', 1, 1)).toBe(kafkaError.topicExists);
    expect(await made('a b', 1, 1)).toBe(kafkaError.invalidTopic);
    expect(await made('none', 0, 1)).toBe(kafkaError.invalidPartitions);
    expect(await made('many', 1, 4)).toBe(kafkaError.invalidReplicationFactor);
    expect(await made('odd', 1, 1, { 'no.such.setting': '1' })).toBe(kafkaError.invalidConfig);
    expect(await wire.offset('none', 0, 'latest')).toMatchObject({ error: kafkaError.unknownTopicOrPartition });
    expect(await wire.topicConfig('state')).toMatchObject({ 'cleanup.policy': 'delete' });
    expect(await wire.topicConfig('none')).toEqual({});
  });

  it('a topic that is made anew is empty and has another id; partitions can be added', async () => {
    const { wire, broker } = await rig();
    await produce(wire, ['a']);
    const [before] = await wire.topics();
    broker.recreateTopic('state');
    broker.addPartitions('state', 3);
    const [after] = await wire.topics();
    expect(after).toMatchObject({ name: 'state', partitions: 3, replication: 3 });
    expect(after?.id).not.toBe(before?.id);
    expect(await wire.offset('state', 0, 'latest')).toEqual({ error: 0, offset: 0 });
  });
});

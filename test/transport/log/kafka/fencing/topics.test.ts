/** Topics, events, and brokers that are refused (fencing rules 8, 9 and 11) on the model of a broker. The number in a title is the rule's; without the rule, its tests fail. */
import { describe, expect, it } from 'vitest';
import { type KafkaWire, kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { codeOf, hourMs, kafkaWorld, stateTopic } from '../world.ts';
import { forwarding } from './forwarding.ts';

describe('fencing rule 8: topics', () => {
  it('WK1 creates state topics so that acknowledged commits are kept, and refuses others with the command that mends it', async () => {
    const world = await kafkaWorld();
    const wire = world.broker.connect('operator');
    const config = await world.run(wire.topicConfig(stateTopic));
    expect(config).toMatchObject({
      'cleanup.policy': 'compact',
      'min.insync.replicas': '2',
      'unclean.leader.election.enable': 'false',
      'message.timestamp.before.max.ms': String(hourMs),
      'message.timestamp.type': 'CreateTime',
      'min.compaction.lag.ms': String(hourMs),
    });
    for (const [setting, value] of [
      ['cleanup.policy', 'compact,delete'],
      ['min.insync.replicas', '1'],
      ['unclean.leader.election.enable', 'true'],
      ['message.timestamp.before.max.ms', '9223372036854775807'],
      ['min.compaction.lag.ms', '0'],
    ] as const) {
      const name = `made.${setting}`;
      const made = { name: `weir.${name}`, partitions: 1, replication: 3, config: { ...config, [setting]: value } };
      await world.run(wire.createTopics([made]));
      const refused = world.run(world.worker('a').ensureTopics([{ name, partitions: 1, kind: 'state' }]));
      await expect(refused).rejects.toMatchObject({
        code: 'WEIR_LOG_TOPIC_SETTINGS',
        remedy: expect.stringContaining(`--entity-name weir.${name} --add-config ${setting}=`),
      });
    }
  });

  it('WK1 asks again for the settings of a topic that another worker made a moment ago and not all brokers know', async () => {
    const world = await kafkaWorld();
    const wire = world.broker.connect('a');
    let asked = 0;
    const topicConfig = async (topic: string) => {
      if (topic !== stateTopic) return wire.topicConfig(topic);
      asked += 1;
      return asked === 1 ? {} : wire.topicConfig(topic);
    };
    const topics = [{ name: 'flow.state', partitions: 2, kind: 'state' }] as const;
    await world.run(world.worker('a', { wire: { ...forwarding(wire), topicConfig } }).ensureTopics(topics));
    expect(asked).toBe(2);
  });
});

describe('fencing rule 8: the topic that keeps the epochs', () => {
  it.each([
    ['min.insync.replicas', '1'],
    ['unclean.leader.election.enable', 'true'],
  ])('WK1 refuses brokers whose transaction topic may forget epochs: %s=%s', async (setting, value) => {
    const world = await kafkaWorld();
    const good = { 'cleanup.policy': 'compact', 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' };
    const open = (config: Readonly<Record<string, string>>) => {
      const wire = world.broker.connect('a');
      const topicConfig = (topic: string) =>
        topic === '__transaction_state' ? Promise.resolve(config) : wire.topicConfig(topic);
      return world.worker('a', { wire: { ...forwarding(wire), topicConfig } });
    };
    const topics = [{ name: 'flow.state', partitions: 2, kind: 'state' }] as const;
    await world.run(open(good).ensureTopics(topics));
    await expect(world.run(open({ ...good, [setting]: value }).ensureTopics(topics))).rejects.toMatchObject({
      code: 'WEIR_LOG_TOPIC_SETTINGS',
      remedy: expect.stringContaining('--entity-name __transaction_state'),
    });
  });
});

describe('fencing rule 9: events', () => {
  it('WK1 anyone appends, fenced or not, in order; a lost answer means records twice', async () => {
    const world = await kafkaWorld();
    const one = world.worker('a');
    await world.claim(one);
    await world.claim(world.worker('b'));
    world.once(({ api, about }) => api === 'produce' && about === 'weir.flow.events', 'lost-answer');
    const event = (value: string) => [{ key: 'k', value: Buffer.from(value) }];
    await world.run(one.append('flow.events', 0, event('1')));
    await world.run(one.append('flow.events', 0, event('2')));
    const values = world
      .batches('weir.flow.events')
      .flatMap(({ records }) => records.map(({ value }) => Buffer.from(value ?? []).toString()));
    expect(values).toEqual(['1', '1', '2']);
  });
});

describe('fencing rule 11: the probe', () => {
  const topics = [{ name: 'flow.state', partitions: 2, kind: 'state' }] as const;

  it('WK5 refuses brokers that take a batch of an older epoch', async () => {
    const world = await kafkaWorld();
    const careless = (wire: KafkaWire): KafkaWire => ({
      ...forwarding(wire),
      produce: async (request) => {
        const answer = await wire.produce(request);
        return answer.error === kafkaError.invalidProducerEpoch ? { error: 0, baseOffset: 1 } : answer;
      },
    });
    const log = world.worker('a', { wire: careless(world.broker.connect('a')) });
    expect(await codeOf(world.run(log.ensureTopics(topics)))).toBe('WEIR_LOG_UNSAFE');
  });

  it('WK5 passes when several workers start at once', async () => {
    const world = await kafkaWorld();
    const starts = ['a', 'b', 'c', 'd'].map((name) => codeOf(world.worker(name).ensureTopics(topics)));
    expect(await world.run(Promise.all(starts))).toEqual(['done', 'done', 'done', 'done']);
  });
});

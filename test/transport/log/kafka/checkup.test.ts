/** What a checkup of a cluster finds, on the model of a broker; `test/worker/doctor` asks real ones. */
import { describe, expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../../src/ports/index.ts';
import type { Finding } from '../../../../src/transport/log/checkup.ts';
import type { KafkaAdmin } from '../../../../src/transport/log/kafka/admin.ts';
import { type KafkaCheckupSetup, kafkaCheckup } from '../../../../src/transport/log/kafka/checkup/index.ts';
import { kafkaError, WireFailure } from '../../../../src/transport/log/kafka/wire.ts';
import { forwarding } from './fencing/forwarding.ts';
import { codeOf, kafkaWorld, minuteMs, type World, type WorldSetup } from './world.ts';

interface Looking extends Partial<Omit<KafkaCheckupSetup, 'admin' | 'wire'>> {
  /** What the brokers say otherwise than the model. */
  readonly admin?: Partial<KafkaAdmin>;
  readonly wire?: Parameters<typeof forwardingOf>[1];
}

function forwardingOf(world: World, other: Partial<ReturnType<typeof forwarding>> = {}) {
  return { ...forwarding(world.broker.connect('doctor')), ...other };
}

async function look(world: World, { admin = {}, wire, ...more }: Looking = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  const read = async (): Promise<void> => {
    const checkup = kafkaCheckup({
      ...{ clock: world.clock, random: seededRandom(9), logger: silentLogger, brokers: ['one:9092', 'two:9092'] },
      ...{ wire: forwardingOf(world, wire), admin: { ...world.broker.admin(), ...admin } },
      ...{ groups: ['flow'], shards: { topic: 'flow.state', wanted: undefined }, ...more },
    });
    for await (const finding of checkup) findings.push(finding);
  };
  await world.run(read());
  return findings;
}

const bad = (findings: readonly Finding[]) =>
  findings.flatMap(({ check, state, code }) => (state === 'ok' ? [] : [`${state} ${check} ${code}`]));

async function world(setup: WorldSetup = {}): Promise<World> {
  const made = await kafkaWorld(setup);
  // A claim makes the brokers' own topic of epochs on a real cluster; the model has none.
  await made.claim(made.worker('one'));
  return made;
}

describe('a checkup of a cluster', () => {
  it('finds nothing where a node runs well, and says what it looked at', async () => {
    const findings = await look(await world());
    expect(bad(findings)).toEqual([]);
    expect(Object.fromEntries(findings.map(({ check, says }) => [check, says]))).toMatchObject({
      'broker one:9092': expect.stringMatching(/^it answers within \d+ ms$/),
      replicas: '3 of each partition, on 3 hosts',
      version: 'the brokers run as Apache Kafka 4.3 (metadata.version 30)',
      'settings of broker 0': 'claims may be silent for 1 hour, and are kept alive every 10 min',
      workers: 'none runs',
      'topic weir.flow.state': '2 partitions, 3 replicas each',
      shards: '2, in incarnation 1 of the log',
      fencing: 'a batch of an older epoch was refused, as everything relies on',
      'clock of broker 1': 'it agrees with this host',
    });
  });

  it('leaves nothing behind but the probe, and finds a cluster well that has nothing of a node yet', async () => {
    const made = await world();
    const before = (await made.run(made.broker.connect('x').topics())).map(({ name }) => name);
    const findings = await look(made, { prefix: 'new.' });
    expect(bad(findings)).toEqual([]);
    const after = (await made.run(made.broker.connect('x').topics())).map(({ name }) => name);
    expect(after.filter((name) => !before.includes(name))).toEqual(['new.probe']);
  });

  it('an address where nobody answers is told, and the rest is looked at', async () => {
    const refused = async (address: string): Promise<void> => {
      if (address === 'two:9092') throw new WireFailure('ApiVersions to two:9092: the connection was refused');
    };
    const findings = await look(await world(), { admin: { reach: refused } });
    expect(bad(findings)).toEqual(['fail broker two:9092 WEIR_CHECK_BROKER']);
    expect(findings.find(({ state }) => state === 'fail')?.says).toBe(
      'nobody answers at two:9092: the connection was refused',
    );
    const none = await look(await world(), { admin: { reach: () => Promise.reject(new WireFailure('refused')) } });
    expect(none).toHaveLength(2);
  });

  it('an address that a broker gives to clients must be one that they can reach', async () => {
    const reach = async (address: string): Promise<void> => {
      if (address === 'broker-2:9092') throw new WireFailure('no such host');
    };
    const findings = await look(await world(), { admin: { reach } });
    expect(bad(findings)).toEqual(['fail broker 2 WEIR_CHECK_ADVERTISED']);
  });

  const broker = (id: number, host: string, rack?: string) => ({ id, address: `${host}:${9_092 + id}`, rack });

  it.each([
    ['too few brokers', [broker(0, 'a'), broker(1, 'b')], 'fail replicas WEIR_CHECK_FEW_BROKERS'],
    ['one host', [broker(0, 'a'), broker(1, 'a'), broker(2, 'a')], 'warn replicas WEIR_CHECK_ONE_DOMAIN'],
    [
      'one rack',
      [broker(0, 'a', 'r'), broker(1, 'b', 'r'), broker(2, 'c', 'r')],
      'warn replicas WEIR_CHECK_ONE_DOMAIN',
    ],
  ])('replicas: %s', async (_name, brokers, expected) => {
    const findings = await look(await world(), { admin: { cluster: async () => ({ clusterId: 'x', brokers }) } });
    expect(bad(findings)).toEqual([expected]);
  });

  it.each([
    [11, 'fail version WEIR_CHECK_VERSION'],
    [undefined, 'warn version WEIR_CHECK_HIDDEN'],
  ])('metadata.version %s', async (level, expected) => {
    const findings = await look(await world(), { admin: { metadataVersion: async () => level } });
    expect(bad(findings)).toEqual([expected]);
    expect(bad(await look(await world(), { admin: { metadataVersion: async () => 99 } }))).toEqual([]);
  });

  it('WK5 settings of brokers: expiry, sessions, cleaner, the topic of epochs; each with the command that mends it', async () => {
    const config = {
      ...{ 'producer.id.expiration.ms': '86400000', 'transactional.id.expiration.ms': '3600000' },
      ...{ 'group.min.session.timeout.ms': '30000', 'log.cleaner.enable': 'false' },
      ...{ 'transaction.state.log.min.isr': '1', 'socket.request.max.bytes': '1000000' },
    };
    const findings = (await look(await world(), { admin: { brokerConfig: async () => config } })).filter(
      ({ check }) => check === 'settings of broker 0',
    );
    expect(bad(findings)).toEqual([
      'fail settings of broker 0 WEIR_CHECK_BROKER_SETTING',
      'fail settings of broker 0 WEIR_CHECK_BROKER_SETTING',
      'warn settings of broker 0 WEIR_CHECK_BROKER_SETTING',
      'fail settings of broker 0 WEIR_CHECK_BROKER_SETTING',
      'fail settings of broker 0 WEIR_CHECK_BROKER_SETTING',
    ]);
    expect(findings.map(({ remedy }) => remedy).join('\n')).toContain('log.cleaner.enable=true in server.properties');
    const forgetful = { admin: { brokerConfig: async () => ({ 'producer.id.expiration.ms': '3600000' }) } };
    expect(bad(await look(await world(), forgetful))).toContain('fail settings of broker 0 WEIR_LOG_EXPIRY');
    const hidden = { admin: { brokerConfig: async () => undefined } };
    expect(bad(await look(await world(), hidden))).toContain('warn settings of broker 0 WEIR_CHECK_HIDDEN');
  });

  it('WK16 a topic that is not the one that the log was made with, has other partitions, or is missing', async () => {
    const made = await world();
    made.broker.recreateTopic('weir.flow.state');
    made.broker.addPartitions('weir.flow.events', 3);
    made.broker.deleteTopic('weir.flow.status');
    expect(bad(await look(made))).toEqual([
      'fail topic weir.flow.state WEIR_LOG_ADOPTION',
      'fail topic weir.flow.events WEIR_LOG_PARTITIONS',
      'fail topic weir.flow.status WEIR_LOG_ADOPTION',
    ]);
  });

  it('WK5 a shard that lacks commits that were acknowledged', async () => {
    const made = await world();
    const worker = made.worker('one');
    const claim = await made.claim(worker);
    for (const value of ['1', '2', '3']) await made.commit(claim, { a: value });
    await claim.release();
    made.broker.electUncleanly('weir.flow.state', 0, 2);
    expect(await codeOf(made.claim(worker))).toBe('WEIR_LOG_LOST');
    expect(bad(await look(made))).toContain('fail topic weir.flow.state WEIR_LOG_LOST');
  });

  it('every setting of a topic that is wrong, not the first alone', async () => {
    const made = await world();
    const wire = made.broker.connect('settings');
    const topicConfig = async (name: string) => {
      const config = await wire.topicConfig(name);
      if (name !== 'weir.flow.state') return config;
      return { ...config, 'cleanup.policy': 'compact,delete', 'min.insync.replicas': '1' };
    };
    const findings = (await look(made, { wire: { topicConfig } })).filter(({ state }) => state === 'fail');
    expect(bad(findings)).toEqual(Array(2).fill('fail topic weir.flow.state WEIR_LOG_TOPIC_SETTINGS'));
    expect(findings[1]?.remedy).toContain('--add-config cleanup.policy=compact');
  });

  it('settings of a topic that a worker made a moment ago are asked for again, since not all brokers know it yet', async () => {
    const made = await world();
    const wire = made.broker.connect('settings');
    let asked = 0;
    const topicConfig = async (name: string) => {
      if (name !== 'weir.flow.state') return wire.topicConfig(name);
      asked += 1;
      return asked === 1 ? {} : wire.topicConfig(name);
    };
    expect(bad(await look(made, { wire: { topicConfig } }))).toEqual([]);
    expect(asked).toBe(2);
  });

  it('partitions without leader or without enough replicas, and topics that are left over', async () => {
    const made = await world();
    const topics = async () => [
      {
        name: 'weir.flow.state',
        partitions: [
          { leader: -1, replicas: 3, inSync: 0 },
          { leader: 1, replicas: 3, inSync: 1 },
          { leader: 1, replicas: 3, inSync: 2 },
        ],
      },
      { name: 'weir.17.flow.state', partitions: [] },
      { name: 'other.topic', partitions: [] },
    ];
    const findings = (await look(made, { admin: { topics } })).filter(({ state }) => state !== 'ok');
    expect(findings.map(({ state, says }) => `${state} ${says}`)).toEqual([
      'fail weir.flow.state has partitions with no leader: 1',
      'fail weir.flow.state has partitions with fewer than 2 replicas in sync, whose commits wait: 1',
      'warn weir.flow.state has partitions with a replica that is behind or gone: 1',
      'warn topics that are not of the log begin with weir.: weir.17.flow.state',
    ]);
  });

  it('another number of shards than the log has, and workers that run', async () => {
    const made = await world();
    const membership = await made.run(
      made.worker('host-1').join('flow', 2, { assigned: () => undefined, revoked: () => Promise.resolve() }),
    );
    await made.run(made.clock.advance('1 s'));
    const findings = await look(made, { shards: { topic: 'flow.state', wanted: 4 } });
    expect(bad(findings)).toEqual(['fail shards WEIR_CHECK_SHARDS']);
    expect(findings.find(({ check }) => check === 'workers')?.says).toBe('1 run: host-1');
    await made.run(membership.leave());
  });

  it('WK5 brokers that let an older epoch in', async () => {
    const made = await world();
    const inner = made.broker.connect('careless');
    const produce: typeof inner.produce = async (request) => {
      const answer = await inner.produce(request);
      return answer.error === kafkaError.invalidProducerEpoch ? { error: 0, baseOffset: 7 } : answer;
    };
    expect(bad(await look(made, { wire: { produce } }))).toEqual(['fail fencing WEIR_LOG_UNSAFE']);
  });

  it('clocks that are apart: worth a look from a second on, unsafe beyond what leases allow for', async () => {
    const made = await world();
    const { clock } = made;
    const stamp = async (_topic: string, partition: number) => {
      const apart = [200, -90_000, 6 * minuteMs][partition] ?? 0;
      return { error: 0, broker: partition, appendedAt: clock.now() + apart };
    };
    const findings = await look(made, { admin: { stamp } });
    expect(bad(findings)).toEqual([
      'warn clock of broker 1 WEIR_CHECK_CLOCK',
      'fail clock of broker 2 WEIR_CHECK_CLOCK',
    ]);
    expect(findings.find(({ check }) => check === 'clock of broker 1')?.says).toContain(
      '90 s behind that of this host',
    );
  });

  it('one part that fails, or never answers, does not hide the others', async () => {
    const made = await world();
    const findings = await look(made, {
      admin: { metadataVersion: () => Promise.reject(new WireFailure('broken')) },
      wire: { initProducerId: () => Promise.reject(new WireFailure('no answer within 30000 ms')) },
    });
    expect(bad(findings)).toEqual(['fail version WEIR_CHECK_UNEXPECTED', 'fail fencing WEIR_CHECK_UNEXPECTED']);
    expect(findings.at(-1)?.check).toBe('clock of broker 2');
  });
});

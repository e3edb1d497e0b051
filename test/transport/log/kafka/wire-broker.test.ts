import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kafkaWire, type Sasl } from '../../../../src/transport/log/kafka/wire/index.ts';
import {
  type KafkaWire,
  kafkaError,
  type ProduceAnswer,
  type ProducerIdentity,
} from '../../../../src/transport/log/kafka/wire.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import { until } from './conformance/both.ts';

const record = (text: string) => ({ key: text, value: Buffer.from(text) });

async function claim(wire: KafkaWire, transactionalId: string): Promise<ProducerIdentity> {
  let claimed: ({ error: number } & ProducerIdentity) | undefined;
  await until(async () => {
    claimed = await wire.initProducerId(transactionalId);
    return claimed.error === kafkaError.none;
  });
  if (claimed === undefined) throw new Error('nothing was claimed');
  return { producerId: claimed.producerId, epoch: claimed.epoch };
}

async function createTopic(wire: KafkaWire, name: string, replication = 1): Promise<void> {
  await wire.createTopics([{ name, partitions: 2, replication, config: {} }]);
  for (const partition of [0, 1]) {
    await until(async () => {
      wire.refresh();
      return (await wire.offset(name, partition, 'latest')).error === kafkaError.none;
    });
  }
}

describeKafka('wire to one broker', { brokers: 1 }, (kafka) => {
  let wire: KafkaWire;

  beforeAll(async () => {
    wire = kafkaWire({ brokers: kafka().brokers });
    await createTopic(wire, 'state');
  });
  afterAll(() => wire?.close());

  const produce = (producer: ProducerIdentity, sequence: number, partition = 0): Promise<ProduceAnswer> =>
    wire.produce({
      ...{ topic: 'state', partition, records: [record(`r${sequence}`)] },
      ...{ timestampMs: Date.now(), producer: { ...producer, sequence } },
    });

  it('a fetch and a join that wait hold nothing else up', async () => {
    const woken = wire.fetch({ topic: 'state', partition: 1, offset: 0, maxBytes: 1_000, maxWaitMs: 600_000 });
    const group = { group: 'g', metadata: Buffer.from('m'), sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 600_000 };
    let memberId = '';
    await until(async () => {
      const first = await wire.joinGroup({ ...group, memberId: '' });
      memberId = first.memberId;
      return first.error === kafkaError.memberIdRequired;
    });
    // The coordinator is up, which is all that this one was for.
    await wire.leaveGroup('g', memberId);
    const { memberId: one } = await wire.joinGroup({ ...group, memberId: '' });
    const { generation } = await wire.joinGroup({ ...group, memberId: one });
    const { memberId: two } = await wire.joinGroup({ ...group, memberId: '' });
    const waiting = wire.joinGroup({ ...group, memberId: two });
    await until(async () => (await wire.heartbeat('g', one, generation)).error === kafkaError.rebalanceInProgress);
    const producer = await claim(wire, 'waits');
    expect(await produce(producer, 0)).toMatchObject({ error: 0 });
    expect(await wire.fetch({ topic: 'state', partition: 0, offset: 0, maxBytes: 1_000, maxWaitMs: 10 })).toMatchObject(
      {
        highWatermark: 1,
      },
    );
    await produce(producer, 0, 1);
    expect((await woken).batches).toHaveLength(1);
    await wire.leaveGroup('g', one);
    expect(await waiting).toMatchObject({ error: 0, leaderId: two });
  });

  it('WK1 batches for several partitions in one request have an outcome each', async () => {
    await createTopic(wire, 'shared');
    const [old, owner] = [await claim(wire, 'shared-0'), await claim(wire, 'shared-0')];
    const send = (producer: ProducerIdentity, topic: string, partition: number, sequence = 0): Promise<ProduceAnswer> =>
      wire.produce({
        ...{ topic, partition, records: [record('x'), record('y')] },
        ...{ timestampMs: Date.now(), producer: { ...producer, sequence } },
      });
    expect(await Promise.all([send(owner, 'shared', 0), send(owner, 'shared', 1)])).toEqual([
      { error: kafkaError.none, baseOffset: 0 },
      { error: kafkaError.none, baseOffset: 0 },
    ]);
    const next = await Promise.all([
      send(owner, 'shared', 0, 2),
      send(old, 'shared', 1, 2),
      wire.produce({ topic: 'state', partition: 1, records: [record('plain')], timestampMs: Date.now() }),
    ]);
    expect(next).toEqual([
      { error: kafkaError.none, baseOffset: 2 },
      { error: kafkaError.invalidProducerEpoch, baseOffset: -1 },
      { error: kafkaError.none, baseOffset: expect.any(Number) },
    ]);
  });

  it('what a broker knew of producers outlives its restart, clean or not; of repeats the last one', async () => {
    const old = await claim(wire, 'shard');
    await produce(old, 0);
    const own = await claim(wire, 'shard');
    for (let sequence = 0; sequence < 3; sequence += 1) await produce(own, sequence);
    const { offset } = await wire.offset('state', 0, 'latest');
    for (const end of ['stop', 'kill'] as const) {
      await kafka()[end](0);
      await expect(produce(own, 3)).rejects.toThrow('ECONNREFUSED');
      await kafka().start(0);
      await until(async () => (await wire.offset('state', 0, 'latest')).error === kafkaError.none);
      expect(await produce(own, 2)).toEqual({ error: 0, baseOffset: offset - 1 });
      expect(await produce(old, 1)).toMatchObject({ error: kafkaError.invalidProducerEpoch });
      if (end === 'stop') expect(await produce(own, 1)).toMatchObject({ error: kafkaError.outOfOrderSequence });
    }
  });
});

describeKafka('wire to three brokers', { brokers: 3 }, (kafka) => {
  let wire: KafkaWire;

  beforeAll(async () => {
    wire = kafkaWire({ brokers: kafka().brokers, requestTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
    await createTopic(wire, 'state', 3);
  });
  afterAll(() => wire?.close());

  it('WK6 a batch that is repeated until it is acknowledged is there once, also when its leader is killed', async () => {
    const old = await claim(wire, 'shard');
    const batch = (producer: ProducerIdentity, sequence: number) => ({
      ...{ topic: 'state', partition: 0, records: [record(`r${sequence}`)], timestampMs: Date.now() },
      producer: { ...producer, sequence },
    });
    /** Sends it again, to whoever leads, until it is acknowledged. */
    const insist = async (producer: ProducerIdentity, sequence: number): Promise<number> => {
      let acknowledged = -1;
      await until(async () => {
        const answer = await wire.produce(batch(producer, sequence)).catch(() => undefined);
        if (answer?.error !== kafkaError.none) wire.refresh();
        else acknowledged = answer.baseOffset;
        return acknowledged >= 0;
      });
      return acknowledged;
    };
    await insist(old, 0);
    const own = await claim(wire, 'shard');
    for (let sequence = 0; sequence < 200; sequence += 1) {
      if (sequence === 50) await kafka().kill(await leaderOf(kafka().tool, kafka().brokers));
      expect(await insist(own, sequence)).toBe(sequence + 1);
    }
    expect(await wire.produce(batch(old, 1))).toMatchObject({ error: kafkaError.invalidProducerEpoch });
    const { batches } = await wire.fetch({ topic: 'state', partition: 0, offset: 0, maxBytes: 1e6, maxWaitMs: 0 });
    expect(batches.map(({ producer }) => producer?.baseSequence)).toEqual([0, ...Array(200).keys()]);
  }, 120_000);
});

/** Number of the broker that leads the first partition, as Kafka's own tool tells. */
async function leaderOf(tool: (name: string, args: readonly string[]) => Promise<string>, brokers: readonly string[]) {
  const args = ['--bootstrap-server', brokers.join(','), '--describe', '--topic', 'state'];
  const described = await tool('org.apache.kafka.tools.TopicCommand', args);
  return Number(/Partition: 0\s+Leader: (\d+)/.exec(described)?.[1]) - 1;
}

const secret = 'a secret of the test';
const keys = mkdtempSync(join(tmpdir(), 'weir-keys-'));

describeKafka('wire by TLS and SASL', secureSettings, (kafka) => {
  afterAll(() => rmSync(keys, { recursive: true, force: true }));

  const connect = (sasl: Sasl, tls = { ca: authority() }) => kafkaWire({ brokers: kafka().secureBrokers, tls, sasl });
  const user = { username: 'weir', password: secret };

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('is let in by %s', async (mechanism) => {
    const wire = connect({ mechanism, ...user });
    await createTopic(wire, mechanism);
    expect((await wire.topics()).map(({ name }) => name)).toContain(mechanism);
    await wire.close();
  });

  it.each(['plain', 'scram-sha-256'] as const)('is kept out by %s, and keeps the secret', async (mechanism) => {
    const wire = connect({ mechanism, username: 'weir', password: `not ${secret}` });
    const failure = String(await wire.topics().catch((error: unknown) => error));
    expect(failure).toMatch(/WireFailure: Metadata to .*SASL .* failed/);
    expect(failure).not.toContain(secret);
    await wire.close();
  });

  it('gives long answers whole, which come in many pieces', async () => {
    const wire = connect({ mechanism: 'plain', ...user });
    await createTopic(wire, 'long');
    const values = Array.from({ length: 5 }, (_, n) => randomBytes(700_000 + n));
    for (const value of values) {
      const request = { topic: 'long', partition: 0, records: [{ key: 'k', value }], timestampMs: Date.now() };
      expect(await wire.produce(request)).toMatchObject({ error: kafkaError.none });
    }
    const { batches } = await wire.fetch({
      ...{ topic: 'long', partition: 0, offset: 0, maxBytes: 8_000_000, maxWaitMs: 0 },
    });
    const read = batches.flatMap(({ records }) =>
      records.map(({ value }) => Buffer.from(value ?? []).toString('base64')),
    );
    expect(read).toEqual(values.map((value) => value.toString('base64')));
    await wire.close();
  });

  it('does not talk to a broker whose certificate nobody vouches for', async () => {
    const wire = connect({ mechanism: 'plain', ...user }, { ca: '' });
    await expect(wire.topics()).rejects.toThrow(/certificate/);
    await wire.close();
  });
});

function secureSettings() {
  const store = join(keys, 'broker.p12');
  const access = ['-keystore', store, '-storepass', 'changeit', '-alias', 'broker'];
  const subject = ['-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', '-keyalg', 'EC', '-storetype', 'PKCS12'];
  execFileSync('keytool', ['-genkeypair', ...access, ...subject], { stdio: 'ignore' });
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_weir="${secret}";`;
  return {
    secure: 'SASL_SSL' as const,
    settings: {
      'listener.name.secure.ssl.keystore.location': store,
      'listener.name.secure.ssl.keystore.password': 'changeit',
      'listener.name.secure.ssl.keystore.type': 'PKCS12',
      'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.secure.plain.sasl.jaas.config': plain,
      'listener.name.secure.scram-sha-256.sasl.jaas.config': scram,
      'listener.name.secure.scram-sha-512.sasl.jaas.config': scram,
    },
    format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=weir,password=${secret}]`,
    ]),
  };
}

function authority(): string {
  const access = ['-keystore', join(keys, 'broker.p12'), '-storepass', 'changeit', '-alias', 'broker'];
  return execFileSync('keytool', ['-exportcert', '-rfc', ...access], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** The contract of the log port on a real broker, and what of the fencing rules can be shown there. */
import { expect, it } from 'vitest';
import { silentLogger, systemClock, systemRandom } from '../../../../src/ports/index.ts';
import { logContract } from '../../../../src/testing/contracts/index.ts';
import { type KafkaLog, kafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { kafkaWire } from '../../../../src/transport/log/kafka/wire/index.ts';
import { kafkaError } from '../../../../src/transport/log/kafka/wire.ts';
import type { Claim, Log, TopicSpec } from '../../../../src/transport/log/port.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import type { KafkaRig } from '../../../rig/kafka.ts';
import { codeOf, commit } from './world.ts';

const clock = systemClock();
const random = systemRandom();
const one = { replication: 1, minInsyncReplicas: 1 };
const topics: readonly TopicSpec[] = [
  { name: 'flow.state', partitions: 1, kind: 'state' },
  { name: 'flow.status', partitions: 1, kind: 'table' },
];
const shard = { topic: 'flow.state', partition: 0 };

/** Every test has a prefix of its own, so that its log is empty. */
let prefixes = 0;
function newPrefix(): string {
  prefixes += 1;
  return `t${prefixes}.`;
}

function openLog(kafka: KafkaRig, prefix: string, worker: string): KafkaLog {
  const wire = kafkaWire({ brokers: kafka.brokers });
  return kafkaLog({ wire, clock, random, logger: silentLogger, worker, prefix, topics: one });
}

async function restored(claim: Claim): Promise<Record<string, string>> {
  const records: Record<string, string> = {};
  for await (const chunk of claim.restore()) {
    for (const { key, value } of chunk) records[key] = Buffer.from(value ?? []).toString();
  }
  return records;
}

describeKafka('the log port on a real broker', {}, (kafka) => {
  logContract('kafka', async () => {
    const prefix = newPrefix();
    const open = new Set<Log>();
    const worker = (name: string): Log => {
      const log = openLog(kafka(), prefix, name);
      open.add(log);
      return log;
    };
    const log = worker('one');
    return {
      log,
      second: async () => worker('two'),
      reopen: async () => {
        await log.close();
        return worker('one');
      },
      dispose: async () => {
        await Promise.all([...open].map((each) => each.close()));
      },
    };
  });

  it('W1 WK5 an old owner commits nothing once another worker has claimed, and neither does a zombie past the driver', async () => {
    const prefix = newPrefix();
    const old = openLog(kafka(), prefix, 'old');
    const current = openLog(kafka(), prefix, 'current');
    const wire = kafkaWire({ brokers: kafka().brokers });
    await old.ensureTopics(topics);
    const claim = await old.claim(shard);
    await claim.commit(commit({ a: '1' }));
    const topic = `${prefix}flow.state`;
    const { batches } = await wire.fetch({ topic, partition: 0, offset: 0, maxBytes: 1_000_000, maxWaitMs: 0 });
    const producer = batches.at(-1)?.producer;
    if (producer === undefined) throw new Error('a commit has a producer');
    const next = await current.claim(shard);
    expect(next.term.counter).toBe(claim.term.counter + 1);
    expect(await codeOf(claim.commit(commit({ a: 'late' })))).toBe('WEIR_LOG_FENCED');
    const zombie = await wire.produce({
      ...{ topic, partition: 0, timestampMs: clock.now() },
      records: [{ key: 'a', value: Buffer.from('zombie') }],
      producer: { ...producer, sequence: producer.baseSequence + 1 },
    });
    expect(zombie.error).toBe(kafkaError.invalidProducerEpoch);
    expect(await restored(next)).toEqual({ a: '1' });
    await Promise.all([old.close(), current.close(), wire.close()]);
  });

  it('WK5 a commit behind a batch of somebody else is not taken for durable, and both are told apart later', async () => {
    const prefix = newPrefix();
    const log = openLog(kafka(), prefix, 'one');
    const wire = kafkaWire({ brokers: kafka().brokers });
    await log.ensureTopics(topics);
    const claim = await log.claim(shard);
    await claim.commit(commit({ a: 'good' }));
    const records = [{ key: 'a', value: Buffer.from('foreign') }];
    await wire.produce({ topic: `${prefix}flow.state`, partition: 0, records, timestampMs: clock.now() });
    expect(await codeOf(claim.commit(commit({ b: '1' })))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(await restored(await log.claim(shard))).toEqual({ a: 'good', b: '1' });
    await Promise.all([log.close(), wire.close()]);
  });

  it('WK5 the broker refuses what is older than the topic allows, so a late request of an old owner cannot arrive', async () => {
    const prefix = newPrefix();
    const log = openLog(kafka(), prefix, 'one');
    const wire = kafkaWire({ brokers: kafka().brokers });
    await log.ensureTopics(topics);
    const records = [{ key: 'a', value: Buffer.from('old') }];
    const timestampMs = clock.now() - 2 * 3_600_000;
    for (const topic of [`${prefix}flow.state`, `${prefix}flow.status`]) {
      const { error } = await wire.produce({ topic, partition: 0, records, timestampMs });
      expect(error).toBe(kafkaError.invalidTimestamp);
    }
    await Promise.all([log.close(), wire.close()]);
  });

  it('WK1 names the command that mends a topic, and the command does', async () => {
    const prefix = newPrefix();
    const log = openLog(kafka(), prefix, 'one');
    const wire = kafkaWire({ brokers: kafka().brokers });
    const made = { name: `${prefix}flow.state`, partitions: 1, replication: 1, config: { 'cleanup.policy': 'delete' } };
    await wire.createTopics([made]);
    const mend = async (): Promise<boolean> => {
      const error: unknown = await log.ensureTopics(topics).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) return false;
      if (!(error instanceof Error && 'remedy' in error)) throw error;
      const remedy = String(error.remedy);
      expect(remedy).toContain('kafka-configs.sh');
      const [, ...words] = remedy
        .replace('run: ', '')
        .replace('<broker>', kafka().brokers[0] ?? '')
        .split(' ');
      await kafka().tool('kafka.admin.ConfigCommand', words);
      return true;
    };
    let mended = 0;
    while (await mend()) mended += 1;
    expect(mended).toBeGreaterThan(2);
    await Promise.all([log.close(), wire.close()]);
  }, 120_000);
});

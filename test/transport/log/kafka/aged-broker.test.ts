/** The driver on a real broker that forgets fast and compacts at once: what takes days elsewhere, in seconds. */
import { expect, it } from 'vitest';
import { silentLogger, systemClock, systemRandom } from '../../../../src/ports/index.ts';
import { kafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { kafkaWire } from '../../../../src/transport/log/kafka/wire/index.ts';
import type { Claim, TopicSpec } from '../../../../src/transport/log/port.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import type { KafkaRig } from '../../../rig/kafka.ts';
import { until } from './conformance/both.ts';
import { codeOf, commit } from './world.ts';

const clock = systemClock();
const topics: readonly TopicSpec[] = [{ name: 'flow.state', partitions: 1, kind: 'state' }];
const shard = { topic: 'flow.state', partition: 0 };
const topic = 'weir.flow.state';

const settings = {
  'transactional.id.expiration.ms': '1000',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '500',
  'log.cleaner.backoff.ms': '100',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.roll.ms': '1000',
};

function openLog(kafka: KafkaRig, worker: string) {
  return kafkaLog({
    ...{ clock, worker, random: systemRandom(), logger: silentLogger },
    wire: kafkaWire({ brokers: kafka.brokers }),
    topics: { replication: 1, minInsyncReplicas: 1, minCompactionLagMs: 1_000 },
    keepAliveMs: 500,
  });
}

async function restored(claim: Claim): Promise<Record<string, string>> {
  const records: Record<string, string> = {};
  for await (const chunk of claim.restore()) {
    for (const { key, value } of chunk) records[key] = Buffer.from(value ?? []).toString();
  }
  return records;
}

describeKafka('kafka that forgets and compacts at once', { settings }, (kafka) => {
  it('W1 WK5 an old owner stays shut out when its transactional id was forgotten and another producer id given', async () => {
    const old = openLog(kafka(), 'old');
    const current = openLog(kafka(), 'current');
    await old.ensureTopics(topics);
    const claim = await old.claim(shard);
    await claim.commit(commit({ a: '1' }));
    const wire = kafkaWire({ brokers: kafka().brokers });
    const producerId = async (): Promise<string | undefined> => {
      const { offset } = await wire.offset(topic, 0, 'latest');
      const last = { topic, partition: 0, offset: offset - 1, maxBytes: 1_000_000, maxWaitMs: 0 };
      return (await wire.fetch(last)).batches.at(-1)?.producer?.producerId;
    };
    const first = await producerId();
    const tool = 'org.apache.kafka.tools.TransactionsCommand';
    const list = () => kafka().tool(tool, ['--bootstrap-server', kafka().brokers[0] ?? '', 'list']);
    await until(async () => !(await list()).includes(`${topic}-0`));
    const next = await current.claim(shard);
    expect(await codeOf(claim.commit(commit({ a: 'late' })))).toBe('WEIR_LOG_FENCED');
    await next.commit(commit({ b: '1' }));
    const again = await current.claim(shard);
    expect(await restored(again)).toEqual({ a: '1', b: '1' });
    // Under the same producer id this test would show nothing.
    expect(await producerId()).not.toBe(first);
    await Promise.all([old.close(), current.close(), wire.close()]);
  }, 120_000);

  it('WK3 the state after real compaction is the state before, over several claims', async () => {
    const wire = kafkaWire({ brokers: kafka().brokers });
    const expected: Record<string, string> = {};
    const log = openLog(kafka(), 'one');
    await log.ensureTopics(topics);
    let claim = await log.claim(shard);
    for await (const chunk of claim.restore()) {
      for (const { key, value } of chunk) expected[key] = Buffer.from(value ?? []).toString();
    }
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 200; count++) {
        expected[`k${count % 7}`] = `${round}.${count}`;
        await claim.commit(commit({ [`k${count % 7}`]: `${round}.${count}`, gone: count % 2 === 0 ? 'x' : null }));
      }
      const records = async (): Promise<number> => {
        let found = 0;
        for (let offset = 0, more = true; more; ) {
          const { batches } = await wire.fetch({ topic, partition: 0, offset, maxBytes: 1_000_000, maxWaitMs: 0 });
          found += batches.reduce((sum, batch) => sum + batch.records.length, 0);
          more = batches.length > 0;
          offset = (batches.at(-1)?.lastOffset ?? 0) + 1;
        }
        return found;
      };
      // Keep-alives roll the segments, and what is left of 400 records and their claims is a few dozen.
      await until(async () => (await records()) < 100);
      claim = await log.claim(shard);
      expect(await restored(claim)).toEqual(expected);
    }
    await Promise.all([log.close(), wire.close()]);
  }, 120_000);
});

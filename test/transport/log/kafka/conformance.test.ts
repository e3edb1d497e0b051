/**
 * The model of a broker answers as a real one does: the same random sequences on both, answers compared.
 * A failure prints the seed; `WEIR_SEED` runs it again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom, systemClock } from '../../../../src/ports/index.ts';
import { modelBroker } from '../../../../src/transport/log/kafka/model/index.ts';
import { kafkaWire } from '../../../../src/transport/log/kafka/wire/index.ts';
import { type KafkaWire, kafkaError } from '../../../../src/transport/log/kafka/wire.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import { Both, until } from './conformance/both.ts';
import { type GroupSequence, groupSequence, runGroupSequence } from './conformance/group-sequence.ts';
import {
  type LogSequence,
  logSequence,
  maxAgeMs,
  maxMessageBytes,
  runLogSequence,
} from './conformance/log-sequence.ts';

const seed = Number(process.env.WEIR_SEED ?? Date.now() % 2 ** 31);
/** Of each kind. */
const sequences = Number(process.env.WEIR_SEQUENCES ?? 120);
const timeoutMs = 60_000 * Math.max(1, sequences / 120);
/** Sequences at once, each on partitions (or groups) of its own. */
const lanes = 8;

describeKafka('model and broker', { brokers: 1 }, (kafka) => {
  const model = modelBroker({
    ...{ clock: systemClock(), random: seededRandom(seed), brokers: 1 },
    ...{ initialRebalanceDelayMs: 0, sessionTimeoutMs: { min: 1_000, max: 1_800_000 } },
  });
  let real: KafkaWire;
  let both: Both;

  beforeAll(async () => {
    real = kafkaWire({ brokers: kafka().brokers });
    both = new Both(real, model.connect('conformance'));
    // Coordinators come up after the broker does.
    await until(async () => (await real.initProducerId('warm-up')).error === kafkaError.none);
    const first = { group: 'warm-up', memberId: '', metadata: Buffer.from(''), ...sessions(6_000) };
    await until(async () => (await real.joinGroup(first)).error === kafkaError.memberIdRequired);
  }, 120_000);
  afterAll(() => real?.close());

  const limits = { 'max.message.bytes': `${maxMessageBytes}`, 'message.timestamp.before.max.ms': `${maxAgeMs}` };

  it.each([
    ['log', 'delete'],
    ['state', 'compact'],
  ])(
    'answers alike about a partition with cleanup.policy %s',
    async (topic, policy) => {
      const config = { ...limits, 'cleanup.policy': policy };
      await both.createTopic({ name: topic, partitions: lanes, replication: 1, config });
      const sampled = fc.sample(logSequence, { numRuns: sequences, seed });
      await inLanes<LogSequence>(sampled, (sequence, index, lane) =>
        runLogSequence(both, topic, lane, `${topic}-${index}`, sequence),
      );
    },
    timeoutMs,
  );

  it(
    'answers alike about a group',
    async () => {
      const sampled = fc.sample(groupSequence, { numRuns: sequences, seed });
      await inLanes<GroupSequence>(sampled, (sequence, index) =>
        runGroupSequence(both, `group-${index}`, sequence, () => !model.group(`group-${index}`)?.members.length),
      );
    },
    timeoutMs,
  );

  it(
    'both drop a member whose session ends, and tell the others',
    async () => {
      const outcome = async (wire: KafkaWire) => {
        const group = 'silent';
        const join = (memberId: string, timeoutMs: number) =>
          wire.joinGroup({ group, memberId, metadata: Buffer.from(''), ...sessions(timeoutMs) });
        const code = async (memberId: string, generation: number) =>
          (await wire.heartbeat(group, memberId, generation)).error;
        const { memberId: alive } = await join('', 10_000);
        const first = await join(alive, 10_000);
        const { memberId: silent } = await join('', 1_000);
        const joining = join(silent, 1_000);
        // The other one has arrived once the first is asked to join again.
        await until(async () => (await code(alive, first.generation)) === kafkaError.rebalanceInProgress);
        const { generation } = await join(alive, 10_000);
        await joining;
        const sync = (memberId: string) => wire.syncGroup({ group, memberId, generation, assignments: [] });
        await Promise.all([sync(alive), sync(silent)]);
        await until(async () => (await code(alive, generation)) !== kafkaError.none);
        return [await code(alive, generation), await code(silent, generation), (await join(silent, 1_000)).error];
      };
      const { rebalanceInProgress, unknownMember } = kafkaError;
      expect(await outcome(real)).toEqual([rebalanceInProgress, unknownMember, unknownMember]);
      expect(await outcome(model.connect('silent'))).toEqual([rebalanceInProgress, unknownMember, unknownMember]);
    },
    timeoutMs,
  );

  it('answers alike about topics', async () => {
    const create = (name: string, partitions: number, replication: number, config: Record<string, string> = {}) =>
      both.same(`create ${name}`, async (wire) => {
        const [answer] = await wire.createTopics([{ name, partitions, replication, config }]);
        return answer?.error;
      });
    expect(await create('fresh', 1, 1)).toBe(kafkaError.none);
    expect(await create('fresh', 1, 1)).toBe(kafkaError.topicExists);
    expect(await create('no such name', 1, 1)).toBe(kafkaError.invalidTopic);
    expect(await create('empty', 0, 1)).toBe(kafkaError.invalidPartitions);
    expect(await create('wide', 1, 2)).toBe(kafkaError.invalidReplicationFactor);
    expect(await create('odd', 1, 1, { 'no.such.setting': '1' })).toBe(kafkaError.invalidConfig);
    await both.same('settings of no topic', (wire) => wire.topicConfig('none'));
    const told = await real.topicConfig('fresh');
    expect(told).toMatchObject(await both.model.topicConfig('fresh'));
  });

  it(
    'both compact alike, and know producers afterwards',
    async () => {
      const partitions = 12;
      const config = {
        ...{ 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0' },
        ...{ 'delete.retention.ms': '0', 'max.compaction.lag.ms': '1000' },
      };
      await both.createTopic({ name: 'compacted', partitions, replication: 1, config });
      const sequences = fc.sample(keysWritten, { numRuns: partitions, seed });
      await Promise.all(
        sequences.map(async (batches, partition) => {
          const at = { topic: 'compacted', partition };
          const now = Date.now() - 60_000;
          const owners = [await both.claim(`compacted-a-${partition}`), await both.claim(`compacted-b-${partition}`)];
          const next = [0, 0];
          for (const { owner, records } of batches) {
            const producer = owners[owner];
            const sequence = next[owner] ?? 0;
            if (producer === undefined) continue;
            await both.produce({
              ...at,
              records: records.map(bytesOf),
              timestampMs: now,
              producer: { ...producer, sequence },
            });
            next[owner] = sequence + records.length;
          }
          // A batch from later on starts a segment: everything before it is compacted. Then what that left, once more.
          for (const round of [1, 2]) {
            const filler = { records: [bytesOf({ key: 'filler', value: 'f' })], timestampMs: now + round * 10_000 };
            const { baseOffset } = await both.produce({ ...at, ...filler });
            model.compact('compacted', partition, baseOffset);
            const whole = { ...at, offset: 0, maxBytes: 10_000_000, maxWaitMs: 0 };
            await until(async () => {
              const read = await readAll(both, whole);
              return JSON.stringify(read.real) === JSON.stringify(read.model);
            });
          }
          // Sequences go on where they were, and older epochs stay out.
          for (const [index, producer] of owners.entries()) {
            const sequence = next[index] ?? 0;
            const records = [bytesOf({ key: 'z', value: 'z' })];
            await both.produce({ ...at, records, timestampMs: now, producer: { ...producer, sequence: sequence + 1 } });
            await both.produce({ ...at, records, timestampMs: now, producer: { ...producer, sequence } });
            await both.produce({ ...at, records, timestampMs: now, producer: { ...producer, epoch: 1, sequence: 0 } });
            await both.produce({ ...at, records, timestampMs: now, producer: { ...producer, sequence: sequence + 1 } });
          }
        }),
      );
    },
    timeoutMs,
  );
});

const keysWritten = fc.array(
  fc.record({
    owner: fc.constantFrom(0, 0, 0, 1),
    records: fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.string({ maxLength: 5 }), { nil: null }) }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { minLength: 4, maxLength: 20 },
);

function bytesOf({ key, value }: { readonly key: string; readonly value: string | null }) {
  return { key, value: value === null ? null : new Uint8Array(Buffer.from(value)) };
}

function sessions(sessionTimeoutMs: number) {
  return { sessionTimeoutMs, rebalanceTimeoutMs: 10_000 };
}

/** Everything there is from an offset on: a broker answers a segment at a time. */
async function readAll(both: Both, request: Parameters<Both['fetched']>[0]) {
  const all = { real: [] as unknown[], model: [] as unknown[] };
  for (let { offset } = request; ; ) {
    const { real } = await both.fetched({ ...request, offset });
    all.real.push(...real.batches);
    const last = real.batches.at(-1);
    if (last === undefined) break;
    offset = last.lastOffset + 1;
  }
  all.model.push(...(await both.model.fetch(request)).batches);
  return all;
}

/** Runs the sequences in lanes: one after the other in each, lanes at the same time. */
async function inLanes<T>(sequences: readonly T[], run: (sequence: T, index: number, lane: number) => Promise<void>) {
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let index = lane; index < sequences.length; index += lanes) {
        const sequence = sequences[index];
        if (sequence === undefined) continue;
        try {
          await run(sequence, index, lane);
        } catch (error) {
          throw new Error(`WEIR_SEED=${seed}, sequence ${index}: ${JSON.stringify(sequence)}`, { cause: error });
        }
      }
    }),
  );
}

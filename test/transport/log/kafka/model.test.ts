import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/ports/index.ts';
import { virtualClock } from '../../../../src/testing/index.ts';
import {
  type ModelBrokerSetup,
  type ModelEvent,
  modelBroker,
} from '../../../../src/transport/log/kafka/model/index.ts';
import { type KafkaWire, kafkaError, WireFailure } from '../../../../src/transport/log/kafka/wire.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function rig(setup: Partial<ModelBrokerSetup> = {}, config: Record<string, string> = {}) {
  const clock = virtualClock();
  const broker = modelBroker({ clock, random: seededRandom(1), initialRebalanceDelayMs: 0, ...setup });
  const wire = broker.connect('one');
  const created = wire.createTopics([{ name: 'state', partitions: 2, replication: 3, config }]);
  await clock.advance(1_000);
  expect(await created).toEqual([{ name: 'state', error: 0 }]);
  return { clock, broker, wire };
}

/** One batch of `values` (a key and a text each) to the first partition. */
function produce(
  wire: KafkaWire,
  values: readonly string[],
  from?: { producerId?: string; epoch: number; sequence: number },
  timestampMs = Date.UTC(2026, 0, 1),
) {
  return wire.produce({
    topic: 'state',
    partition: 0,
    timestampMs,
    records: values.map((value) => ({ key: value.slice(0, 1), value: value === '' ? null : Buffer.from(value) })),
    ...(from && { producer: { producerId: '0', ...from } }),
  });
}

function fetch(wire: KafkaWire, offset = 0, maxWaitMs = 0, maxBytes = 1_000_000) {
  return wire.fetch({ topic: 'state', partition: 0, offset, maxBytes, maxWaitMs });
}

async function texts(wire: KafkaWire, offset = 0) {
  const { batches } = await fetch(wire, offset);
  return batches.flatMap(({ records }) => records.map(({ value }) => Buffer.from(value ?? []).toString()));
}

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

describe('model of a broker: the way to it', () => {
  it.each([
    ['TK3 a lost request has no effect', 'lost', [], 'fails'],
    ['TK3 a lost answer has effect', 'lost-answer', ['a'], 'fails'],
    ['TK3 a duplicate has effect twice where nothing tells it apart', 'twice', ['a', 'a'], 'answered'],
    ['TK3 a request that is refused has no effect', { refuse: 19 }, [], 'refused'],
    ['TK3 an error after the append hides that it took effect', { refuseAfter: 7 }, ['a'], 'refused'],
    ['TK3 a crash before the request leaves has no effect', 'crash-before', [], 'nothing'],
    ['TK3 a crash before the answer is heard has effect', 'crash-after', ['a'], 'nothing'],
  ] as const)('%s', async (_name, fate, log, heard) => {
    const { broker, clock } = await rig({
      faults: { request: ({ client, api }) => (client === 'two' && api === 'produce' ? fate : 'ok') },
    });
    let outcome = 'nothing';
    produce(broker.connect('two'), ['a']).then(
      ({ error }) => {
        outcome = error === 0 ? 'answered' : 'refused';
      },
      () => {
        outcome = 'fails';
      },
    );
    await clock.advance(30_000);
    expect(outcome).toBe(heard);
    expect(await texts(broker.connect('three'))).toEqual(log);
  });

  it('TK3 a late produce of an old epoch counts before the fence and is refused after it', async () => {
    for (const fenceAtMs of [40_000, 60_000]) {
      const delayed = { delayMs: 50_000 };
      const { broker, clock, wire } = await rig({
        faults: { request: ({ client, api }) => (client === 'old' && api === 'produce' ? delayed : 'ok') },
      });
      const failed = expect(produce(broker.connect('old'), ['old'], { epoch: 0, sequence: 0 })).rejects.toThrow(
        WireFailure,
      );
      await clock.advance(fenceAtMs);
      await produce(wire, ['new'], { epoch: 1, sequence: 0 });
      await clock.advance(20_000);
      await failed;
      expect(await texts(wire)).toEqual(fenceAtMs < 50_000 ? ['new'] : ['old', 'new']);
    }
  });

  it('TK3 a crashed client has no effect any more, but for what is on its way when that is asked for', async () => {
    for (const inFlight of ['lost', 'arrives'] as const) {
      const { broker, clock } = await rig({ latencyMs: { min: 5, max: 5 } });
      const client = broker.connect('two');
      void produce(client, ['a']);
      broker.crash('two', { inFlight });
      void produce(client, ['b']);
      await clock.advance(60_000);
      const log = broker.log('state', 0)?.batches.length;
      expect(log).toBe(inFlight === 'lost' ? 0 : 1);
    }
  });

  it('TK3 a restarted client is another one', async () => {
    const { broker } = await rig();
    const crashed: string[] = [];
    broker.onCrash((client) => crashed.push(client));
    broker.connect('two');
    broker.crash('two');
    expect(await produce(broker.connect('two'), ['a'])).toEqual({ error: 0, baseOffset: 0 });
    expect(crashed).toEqual(['two']);
  });

  it('TK3 a parted client hears failures; what it sent arrives late or never', async () => {
    for (const late of [false, true]) {
      const { broker, clock } = await rig();
      const client = broker.connect('two');
      broker.cut('two', { late });
      const failed = expect(produce(client, ['a'])).rejects.toThrow(WireFailure);
      await clock.advance(30_000);
      await failed;
      broker.heal('two');
      await clock.advance(0);
      expect(await texts(client)).toEqual(late ? ['a'] : []);
    }
  });

  it('TK3 a frozen client acts and hears after it is thawed', async () => {
    const { broker, clock } = await rig();
    const client = broker.connect('two');
    broker.freeze('two');
    const answer = produce(client, ['a']);
    await clock.advance(hourMs);
    expect(broker.log('state', 0)?.highWatermark).toBe(0);
    broker.thaw('two');
    expect(await answer).toEqual({ error: 0, baseOffset: 0 });
  });

  it('TK3 brokers that are down answer nobody, slow ones late', async () => {
    const { wire, broker, clock } = await rig();
    const waiting = expect(fetch(wire, 0, 10_000)).rejects.toThrow(WireFailure);
    await clock.advance(1);
    broker.down();
    await waiting;
    await expect(produce(wire, ['a'])).rejects.toThrow(WireFailure);
    broker.up();
    broker.slow(2_000);
    const slow = produce(wire, ['b']);
    await clock.advance(1_999);
    expect(broker.log('state', 0)?.highWatermark).toBe(1);
    let heard = false;
    void slow.then(() => {
      heard = true;
    });
    await clock.advance(0);
    expect(heard).toBe(false);
    await clock.advance(1);
    expect(await slow).toEqual({ error: 0, baseOffset: 0 });
  });

  it('a closed client fails what it waits for and whatever is asked of it', async () => {
    const { wire, clock } = await rig();
    const waiting = expect(fetch(wire, 0, 10_000)).rejects.toThrow(WireFailure);
    await clock.advance(1);
    await wire.close();
    await waiting;
    await expect(wire.topics()).rejects.toThrow(WireFailure);
  });

  it('TK4 the same seed gives the same trace', async () => {
    const trace = async () => {
      const events: ModelEvent[] = [];
      const { clock, broker } = await rig({
        observe: (event) => events.push(event),
        latencyMs: { min: 0, max: 20 },
      });
      const clients = ['a', 'b', 'c'].map((id) => broker.connect(id));
      for (const [at, client] of clients.entries()) void produce(client, [`x${at}`]);
      await clock.advance(100);
      return events;
    };
    const first = await trace();
    expect(first.map(({ type }) => type)).toEqual(['produced', 'produced', 'produced']);
    expect(await trace()).toEqual(first);
  });
});

describe('model of a broker: groups', () => {
  const timing = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 10_000 };
  const metadata = Buffer.from('m');

  async function firstJoin(wire: KafkaWire) {
    const { error, memberId } = await wire.joinGroup({ group: 'g', memberId: '', metadata, ...timing });
    expect(error).toBe(kafkaError.memberIdRequired);
    return memberId;
  }
  const join = (wire: KafkaWire, memberId: string) => wire.joinGroup({ group: 'g', memberId, metadata, ...timing });
  const sync = (wire: KafkaWire, memberId: string, generation: number, given: Record<string, string> = {}) =>
    wire.syncGroup({
      ...{ group: 'g', memberId, generation },
      assignments: Object.entries(given).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
    });

  async function pair() {
    const { wire, broker, clock } = await rig();
    const one = await firstJoin(wire);
    const alone = join(wire, one);
    await clock.advance(0);
    expect(await alone).toMatchObject({ error: 0, generation: 1, leaderId: one });
    await sync(wire, one, 1, { [one]: 'all' });
    const other = broker.connect('other');
    const two = await firstJoin(other);
    const [second, first] = [join(other, two), join(wire, one)];
    await clock.advance(0);
    expect(await first).toMatchObject({ error: 0, generation: 2, leaderId: one });
    expect(await second).toEqual({ error: 0, generation: 2, memberId: two, leaderId: one, members: [] });
    return { wire, other, one, two, clock, broker };
  }

  it('members join, the leader assigns, everybody learns its own', async () => {
    const { wire, other, one, two } = await pair();
    const waits = sync(other, two, 2);
    expect(await sync(wire, one, 2, { [one]: 'left', [two]: 'right' })).toMatchObject({ error: 0 });
    expect(Buffer.from((await waits).assignment).toString()).toBe('right');
    expect(await wire.heartbeat('g', one, 2)).toEqual({ error: 0 });
    expect(await wire.heartbeat('g', one, 1)).toEqual({ error: kafkaError.illegalGeneration });
    expect(await wire.heartbeat('g', 'nobody', 2)).toEqual({ error: kafkaError.unknownMember });
  });

  it('a member that leaves makes the others join again at once', async () => {
    const { wire, other, one, two, clock } = await pair();
    await sync(wire, one, 2, {});
    expect(await other.leaveGroup('g', two)).toEqual({ error: 0 });
    expect(await wire.heartbeat('g', one, 2)).toEqual({ error: kafkaError.rebalanceInProgress });
    const again = join(wire, one);
    await clock.advance(0);
    expect(await again).toMatchObject({ error: 0, generation: 3, members: [{ memberId: one }] });
  });

  it('a silent member is dropped after its session', async () => {
    const { wire, one, two, clock, broker } = await pair();
    await sync(wire, one, 2, {});
    await clock.advance(5_999);
    await wire.heartbeat('g', one, 2);
    await clock.advance(1);
    expect(broker.group('g')?.members).toEqual([one]);
    expect(await wire.heartbeat('g', two, 2)).toEqual({ error: kafkaError.unknownMember });
  });

  it('a member that does not join again in time is dropped, and sessions out of bounds are refused', async () => {
    const { wire, other, one, two, clock, broker } = await pair();
    await sync(wire, one, 2, {});
    const changed = other.joinGroup({ group: 'g', memberId: two, metadata: Buffer.from('new'), ...timing });
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(1_000);
      void wire.heartbeat('g', one, 2);
    }
    await clock.advance(0);
    expect(await changed).toMatchObject({ error: 0, generation: 3, leaderId: two });
    expect(broker.group('g')?.members).toEqual([two]);
    const short = { group: 'g', memberId: '', metadata, sessionTimeoutMs: 5_999, rebalanceTimeoutMs: 1 };
    expect(await wire.joinGroup(short)).toMatchObject({ error: kafkaError.invalidSessionTimeout });
  });
});

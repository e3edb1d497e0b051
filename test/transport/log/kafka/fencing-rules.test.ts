/**
 * The eleven rules that keep one writer on a shard of Kafka, each on the model of a broker. The number in the title is
 * the rule's; without the rule, its tests fail.
 */
import { describe, expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../../src/ports/index.ts';
import { virtualClock } from '../../../../src/testing/index.ts';
import { kafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import { type KafkaWire, kafkaError } from '../../../../src/transport/log/kafka/wire.ts';
import { codeOf, commit, hourMs, isCommit, kafkaWorld, minuteMs, shard, stateTopic } from './world.ts';

const dayMs = 24 * hourMs;

describe('fencing rule 1: claim', () => {
  it('W1 an old owner commits nothing once the claim is there, though it has heard nothing of it', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: '1' });
    const current = await world.claim(world.worker('b'));
    expect(await codeOf(world.commit(old, { a: 'late' }))).toBe('WEIR_LOG_FENCED');
    expect(await world.restored(current)).toEqual({ a: '1' });
  });

  it('W1 a fence counts when it is acknowledged: it is sent again, and is there once', async () => {
    const world = await kafkaWorld({ requestTimeoutMs: 1_000 });
    let asked = 0;
    world.faults((info) => (isCommit(info) && asked++ < 3 ? 'lost-answer' : 'ok'));
    await world.claim(world.worker('a'));
    const fences = world.batches().filter(({ records }) => records[0]?.key === '!fence');
    expect(fences.length).toBe(1);
    expect(asked).toBeGreaterThan(3);
  });

  it('W1 of claims that race, one whose fence comes too late is given up', async () => {
    const world = await kafkaWorld();
    world.once((info) => isCommit(info) && info.client === 'a', { delayMs: 500 });
    const slow = codeOf(world.worker('a').claim(shard));
    await world.clock.advance(100);
    const fast = await world.claim(world.worker('b'));
    expect(await world.run(slow)).toBe('WEIR_LOG_FENCED');
    await world.commit(fast, { a: '1' });
  });

  it('W1 W2 reads up to its own fence, whatever end a leader names that has been deposed', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: '1' });
    const stale = world.broker.log(stateTopic, 0)?.highWatermark ?? 0;
    await world.commit(old, { a: '2' });
    const current = await world.claim(world.worker('b', { wire: deposedOnce(world.broker.connect('b'), stale) }));
    expect(await world.restored(current)).toEqual({ a: '2' });
  });

  it('W1 WK5 an old owner under another producer id is shut out by a dead fence', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: '1' });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    const current = await world.claim(world.worker('b'));
    expect(await codeOf(world.commit(old, { a: 'late' }))).toBe('WEIR_LOG_FENCED');
    expect(await world.restored(current)).toEqual({ a: '1' });
  });

  it('W1 WK5 a producer id stays shut out when compaction has left no trace of it but the record of the claim', async () => {
    const world = await kafkaWorld();
    await world.claim(world.worker('a'));
    const first = world.producer();
    for (const name of ['b', 'c', 'd']) {
      world.broker.exhaustTransactionalId(`${stateTopic}-0`);
      const claim = await world.claim(world.worker(name));
      await world.clock.advance(2 * hourMs);
      await world.commit(claim, { a: name });
      world.broker.expireProducers(stateTopic, 0);
      world.broker.compact(stateTopic, 0);
    }
    expect(
      world.batches().some(({ producer }) => producer?.producerId === first.producerId && producer.epoch === 0),
    ).toBe(false);
    // Brokers have forgotten the dead fences, too: the next claim has to write them all again.
    await world.claim(world.worker('e'));
    expect((await world.zombie(first, 2, { a: 'zombie' })).error).toBe(kafkaError.invalidProducerEpoch);
  });

  it('W1 WK5 what gets in between fence and dead fence is read, does not count, and is written over', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: 'good', b: 'good' });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    world.once((info) => isCommit(info) && info.producer?.epoch === 32_767, { delayMs: 500 });
    const claiming = world.worker('b').claim(shard);
    await world.clock.advance(100);
    expect(await codeOf(world.commit(old, { a: 'zombie', c: 'zombie' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    const current = await world.run(claiming);
    expect(await world.restored(current)).toEqual({ a: 'good', b: 'good' });
    // Compaction keeps the newest record of a key, whoever wrote it.
    await world.clock.advance(2 * hourMs);
    await world.commit(current, { d: '1' });
    world.broker.compact(stateTopic, 0);
    expect(await world.restored(await world.claim(world.worker('c')))).toEqual({ a: 'good', b: 'good', d: '1' });
  });
});

describe('fencing rule 2: no renewal, but commits that keep the claim alive', () => {
  it('WK5 an idle owner commits every 10 minutes, and never asks for another epoch', async () => {
    const world = await kafkaWorld();
    await world.claim(world.worker('a'));
    const before = world.produced().length;
    await world.clock.advance(3 * hourMs);
    expect(world.produced().length - before).toBe(18);
    const claims = world.events.filter((event) => event.type === 'producer' && event.client === 'a');
    expect(claims.length).toBe(1);
  });

  it('WK5 after days without work the broker still knows the fence', async () => {
    const world = await kafkaWorld();
    await world.claim(world.worker('a'));
    const old = world.producer();
    await world.claim(world.worker('b'));
    await world.clock.advance(3 * dayMs);
    expect((await world.zombie(old, 2, { a: 'zombie' })).error).toBe(kafkaError.invalidProducerEpoch);
  });

  it('WK5 an idle owner that was fenced hears of it without a commit of its own', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    let lost = 0;
    old.onLost(() => {
      lost += 1;
    });
    await world.claim(world.worker('b'));
    await world.clock.advance(hourMs);
    expect(lost).toBe(1);
  });
});

describe('fencing rule 3: retries', () => {
  it('WK2 a commit whose answer is lost is sent with the same sequence, and is there once', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(isCommit, 'lost-answer');
    await world.commit(claim, { a: '1', b: '1' });
    await world.commit(claim, { a: '2' });
    const [first, again] = world.produced().slice(-3);
    expect(again).toEqual({ ...first, repeat: true });
    expect(world.batches().filter(({ records }) => records[0]?.key === 'a').length).toBe(2);
  });

  it('WK2 once the outcome is unknown, a refusal settles nothing, and the sequence is not used again', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    let attempt = 0;
    world.faults((info) => {
      if (!isCommit(info)) return 'ok';
      attempt += 1;
      if (attempt === 1) return 'lost-answer';
      return attempt === 2 ? { refuse: kafkaError.messageTooLarge } : 'ok';
    });
    expect(await codeOf(world.commit(claim, { a: '1' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(await codeOf(world.commit(claim, { a: '2' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(await world.restored(await world.claim(world.worker('a')))).toEqual({ a: '1' });
  });

  it.each([kafkaError.requestTimedOut, kafkaError.notEnoughReplicasAfterAppend, kafkaError.notLeader])(
    'WK6 WK13 error %i is no outcome: the commit waits until there is one',
    async (error) => {
      const world = await kafkaWorld();
      const claim = await world.claim(world.worker('a'));
      let left = 5;
      world.faults((info) => (isCommit(info) && left-- > 0 ? { refuseAfter: error } : 'ok'));
      await world.commit(claim, { a: '1' });
      expect(world.batches().filter(({ records }) => records[0]?.key === 'a').length).toBe(1);
    },
  );

  it('W7 a batch that is refused at first sight as too large was not written, and the claim goes on', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(isCommit, { refuse: kafkaError.messageTooLarge });
    expect(await codeOf(world.commit(claim, { a: '1' }))).toBe('WEIR_LOG_TOO_LARGE');
    await world.commit(claim, { b: '1' });
    expect(await world.restored(await world.claim(world.worker('b')))).toEqual({ b: '1' });
  });
});

describe('fencing rule 4: 47 and 45', () => {
  it('W1 47 is the end of the claim, and its holder is told once', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    let lost = 0;
    old.onLost(() => {
      lost += 1;
    });
    await world.claim(world.worker('b'));
    expect(await codeOf(world.commit(old, { a: '1' }))).toBe('WEIR_LOG_FENCED');
    expect(await codeOf(world.commit(old, { a: '2' }))).toBe('WEIR_LOG_FENCED');
    await world.clock.advance(0);
    expect(lost).toBe(1);
  });

  it('WK5 45 after acknowledged commits were lost: the claim is over, and the next one goes on from what is left', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    for (const value of ['1', '2', '3']) await world.commit(claim, { a: value });
    world.broker.electUncleanly(stateTopic, 0, 2);
    let sent = 0;
    world.faults((info) => {
      if (isCommit(info)) sent += 1;
      return 'ok';
    });
    expect(await codeOf(world.commit(claim, { b: '1' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(await codeOf(world.commit(claim, { b: '1' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    // The first attempt met the change of leader; after 45 nothing was tried with another sequence.
    expect(sent).toBe(2);
    expect(await world.restored(await world.claim(world.worker('a')))).toEqual({ a: '1' });
  });

  it('WK5 a commit that lands behind a gap is not taken for durable', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    await world.commit(claim, { a: '1' });
    // Somebody else writes to the topic, without a producer id.
    const intruder = world.broker.connect('intruder');
    const records = [{ key: 'a', value: Buffer.from('foreign') }];
    const timestampMs = world.clock.now();
    await world.run(intruder.produce({ topic: stateTopic, partition: 0, records, timestampMs }));
    expect(await codeOf(world.commit(claim, { b: '1' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    const next = await world.claim(world.worker('a'));
    // The commit is in the history as a whole, the intruder's record is not.
    expect(await world.restored(next)).toEqual({ a: '1', b: '1' });
  });
});

describe('fencing rule 5: time', () => {
  it('WK5 an owner that was cut off for longer than its lease sends nothing any more', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    await world.commit(claim, { a: '1' });
    world.broker.cut('a');
    await world.clock.advance(hourMs);
    world.broker.expireProducers(stateTopic, 0);
    world.broker.heal('a');
    const before = world.produced().length;
    expect(await codeOf(world.commit(claim, { a: 'late' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(world.produced().length).toBe(before);
  });

  it('WK5 a request that arrives after its fence was forgotten is too old for the broker', async () => {
    const world = await kafkaWorld({ requestTimeoutMs: 30_000 });
    const old = await world.claim(world.worker('a'));
    world.once((info) => isCommit(info) && info.client === 'a', { delayMs: 2 * hourMs });
    void codeOf(old.commit(commit({ a: 'late' })));
    await world.clock.advance(minuteMs / 4);
    world.broker.crash('a', { inFlight: 'arrives' });
    const current = await world.claim(world.worker('b'));
    await world.commit(current, { a: 'good' });
    await world.clock.advance(2 * hourMs - minuteMs);
    world.broker.expireProducers(stateTopic, 0);
    await world.clock.advance(2 * minuteMs);
    const written = world
      .batches()
      .flatMap(({ records }) => records.map(({ value }) => Buffer.from(value ?? []).toString()));
    expect(written).toContain('good');
    expect(written).not.toContain('late');
  });

  it('WK13 a retry carries its own time, so that a broker that was away for long takes it', async () => {
    const world = await kafkaWorld({ log: { topics: { timestampBeforeMaxMs: 10 * minuteMs } } });
    const claim = await world.claim(world.worker('a'));
    world.once(isCommit, 'lost-answer');
    const committing = world.run(claim.commit(commit({ a: '1' })));
    await world.clock.advance(10);
    world.broker.down();
    await world.clock.advance(30 * minuteMs);
    world.broker.up();
    await committing;
    expect(world.batches().filter(({ records }) => records[0]?.key === 'a').length).toBe(1);
  });

  it('WK5 refuses settings under which a fence could be forgotten before an old owner is silent', () => {
    const clock = virtualClock();
    const open = (settings: { leaseMs?: number; keepAliveMs?: number; producerIdExpirationMs?: number }) => () =>
      kafkaLog({ wire: unused, clock, random: seededRandom(1), logger: silentLogger, worker: 'a', ...settings });
    expect(open({})).not.toThrow();
    expect(open({ leaseMs: dayMs })).toThrow(/producer\.id\.expiration\.ms/);
    expect(open({ producerIdExpirationMs: 2 * hourMs })).toThrow(/producer\.id\.expiration\.ms/);
    expect(open({ keepAliveMs: hourMs })).toThrow(/half of the lease/);
  });
});

describe('fencing rule 6: what counts in a restore', () => {
  it('WK5 a batch of an older epoch behind the fence does not count, and is written over', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: 'good', b: 'good' });
    const zombie = world.producer();
    await world.claim(world.worker('b'));
    world.broker.expireProducers(stateTopic, 0);
    expect((await world.zombie(zombie, 3, { a: 'zombie', c: 'zombie' })).error).toBe(0);
    const current = await world.claim(world.worker('c'));
    expect(await world.restored(current)).toEqual({ a: 'good', b: 'good' });
    await world.clock.advance(2 * hourMs);
    await world.commit(current, { d: '1' });
    world.broker.compact(stateTopic, 0);
    expect(await world.restored(await world.claim(world.worker('d')))).toEqual({ a: 'good', b: 'good', d: '1' });
  });

  it('WK3 the same after any compaction: nothing that was committed is taken for foreign', async () => {
    const world = await kafkaWorld();
    const expected: Record<string, string> = {};
    for (let round = 0; round < 8; round++) {
      if (round % 3 === 2) world.broker.exhaustTransactionalId(`${stateTopic}-0`);
      const claim = await world.claim(world.worker(`w${round}`));
      expect(await world.restored(claim)).toEqual(expected);
      for (let count = 0; count < 3; count++) {
        expected[`k${(round * 3 + count) % 7}`] = `${round}.${count}`;
        await world.commit(claim, { [`k${(round * 3 + count) % 7}`]: `${round}.${count}` });
      }
      await world.clock.advance(round % 2 === 0 ? 2 * hourMs : 2 * dayMs);
      world.broker.compact(stateTopic, 0);
      world.broker.expireProducers(stateTopic, 0);
    }
    expect(await world.restored(await world.claim(world.worker('last')))).toEqual(expected);
  });

  it('WK3 records of the driver itself are not restored, and keys of the shard that look like them are', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    const special = { '!fence': '1', '!claim': '2', '!!': '3', '!s/1': '4', '!dead/7': '5', s: '6' };
    await world.commit(claim, special);
    await world.commit(claim, {});
    expect(await world.restored(await world.claim(world.worker('b')))).toEqual(special);
  });
});

describe('fencing rule 7: terms', () => {
  it('WK16 terms grow, also over another producer id, a lower fence and compaction', async () => {
    const world = await kafkaWorld();
    const counters: number[] = [];
    const claim = async (name: string) => {
      const held = await world.claim(world.worker(name));
      counters.push(held.term.counter);
      return held;
    };
    const first = await claim('a');
    for (let count = 0; count < 10; count++) await world.commit(first, { a: String(count) });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    await claim('b');
    await world.clock.advance(2 * hourMs);
    world.broker.compact(stateTopic, 0);
    await claim('c');
    // Its fence is lost; the next one lies lower than that did.
    world.broker.electUncleanly(stateTopic, 0, 2);
    await claim('d');
    expect(counters.slice(0, 3)).toEqual([1, 2, 3]);
    expect(counters[3]).toBeGreaterThan(2);
  });
});

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

describe('fencing rule 10: answers from memory', () => {
  it('W1 an empty commit shows an owner that it is fenced', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, {});
    await world.claim(world.worker('b'));
    expect(await codeOf(world.commit(old, {}))).toBe('WEIR_LOG_FENCED');
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

/** A wire whose first fetch of a partition is answered by a leader that was deposed when its end was `end`. */
function deposedOnce(wire: KafkaWire, end: number): KafkaWire {
  let asked = false;
  return {
    ...forwarding(wire),
    fetch: async (request) => {
      const answer = await wire.fetch(request);
      if (request.topic !== stateTopic || asked) return answer;
      asked = true;
      const batches = answer.batches.filter(({ lastOffset }) => lastOffset < end);
      return { ...answer, highWatermark: end, batches };
    },
    offset: async (topic, partition, at) => {
      const answer = await wire.offset(topic, partition, at);
      return topic === stateTopic && at === 'latest' ? { ...answer, offset: end } : answer;
    },
  };
}

function forwarding(wire: KafkaWire): KafkaWire {
  return {
    initProducerId: (id) => wire.initProducerId(id),
    produce: (request) => wire.produce(request),
    fetch: (request) => wire.fetch(request),
    offset: (topic, partition, at) => wire.offset(topic, partition, at),
    deleteRecords: (topic, partition, before) => wire.deleteRecords(topic, partition, before),
    topics: () => wire.topics(),
    createTopics: (topics) => wire.createTopics(topics),
    topicConfig: (topic) => wire.topicConfig(topic),
    joinGroup: (request) => wire.joinGroup(request),
    syncGroup: (request) => wire.syncGroup(request),
    heartbeat: (group, member, generation) => wire.heartbeat(group, member, generation),
    leaveGroup: (group, member) => wire.leaveGroup(group, member),
    refresh: () => wire.refresh(),
    close: () => wire.close(),
  };
}

const unused = forwarding(
  new Proxy(Object.create(null), {
    get: () => () => Promise.reject(new Error('nothing is asked of the brokers here')),
  }),
);

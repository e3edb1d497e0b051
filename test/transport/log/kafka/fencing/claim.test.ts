/** Who may write to a shard of Kafka: claims (fencing rule 1) on the model of a broker. The number in a title is the rule's; without the rule, its tests fail. */
import { describe, expect, it } from 'vitest';
import { type KafkaWire, kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { codeOf, hourMs, isCommit, kafkaWorld, shard, stateTopic } from '../world.ts';
import { forwarding } from './forwarding.ts';

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

describe('fencing rule 1: claims that race while producer ids rotate', () => {
  /** The fence of `late` has the older producer id, and arrives between the fence of `newer` and its dead fence. */
  async function race() {
    const world = await kafkaWorld();
    await world.commit(await world.claim(world.worker('first')), { a: '1' });
    const older = world.producer().producerId;
    world.faults(({ client, api, producer }) => {
      if (api !== 'produce') return 'ok';
      if (client === 'late') return { delayMs: 100 };
      return client === 'newer' && producer?.producerId === older ? { delayMs: 300 } : 'ok';
    });
    const late = codeOf(world.worker('late').claim(shard));
    await world.clock.advance(10);
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    return { world, older, late };
  }

  it('W1 WK5 a late fence of an older id shuts out nobody: its claim is given up, the newer one and all later ones go on', async () => {
    const { world, older, late } = await race();
    const newer = await world.claim(world.worker('newer'));
    expect(await world.run(late)).toBe('WEIR_LOG_FENCED');
    const written = world.batches().map(({ records }) => records[0]?.key);
    expect(written.slice(-5)).toEqual(['!fence', '!fence', `!dead/${older}`, '!fence', '!claim']);
    await world.commit(newer, { b: '1' });
    const next = await world.claim(world.worker('next'));
    await world.commit(next, { c: '1' });
  });

  it.each(['gives up', 'dies'])(
    'W2 WK5 what is committed behind a late fence of an older id is there at every restore, when its worker %s',
    async (how) => {
      const { world } = await race();
      if (how === 'dies') world.broker.crash('late', { inFlight: 'arrives' });
      const newer = await world.claim(world.worker('newer'));
      await world.commit(newer, { b: '1' });
      expect(await world.restored(await world.claim(world.worker('next')))).toEqual({ a: '1', b: '1' });
    },
  );

  it('W1 WK5 a claim whose own producer id is used up while it is on its way is given up, and the next one goes on', async () => {
    const world = await kafkaWorld();
    await world.commit(await world.claim(world.worker('first')), { a: '1' });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    world.faults(({ client, api }) => {
      if (client === 'second' && api === 'fetch') world.broker.exhaustTransactionalId(`${stateTopic}-0`);
      return 'ok';
    });
    expect(await codeOf(world.claim(world.worker('second')))).toBe('WEIR_LOG_FENCED');
    const third = await world.claim(world.worker('third'));
    expect(await world.restored(third)).toEqual({ a: '1' });
    await world.commit(third, { b: '1' });
  });

  it('WK5 a claim behind whose fence another one stands of the same producer id is given up, also when brokers have forgotten both', async () => {
    const world = await kafkaWorld();
    await world.commit(await world.claim(world.worker('first')), { a: '1' });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    // It has written its fence, and asks whether its id is still the one that is given out: that takes a while.
    let asked = 0;
    world.faults(({ client, api }) =>
      client === 'slow' && api === 'init-producer-id' && ++asked === 2 ? { delayMs: 5_000 } : 'ok',
    );
    const slow = codeOf(world.worker('slow').claim(shard));
    await world.clock.advance(1_000);
    expect(asked).toBe(2);
    const next = await world.claim(world.worker('next'));
    world.broker.expireProducers(stateTopic, 0);
    expect(await world.run(slow)).toBe('WEIR_LOG_FENCED');
    // What it has shut out again lies where the owner was to write: that one finds out, and claims anew.
    expect(await codeOf(world.commit(next, { b: '1' }))).toBe('WEIR_LOG_OUT_OF_STEP');
    const last = await world.claim(world.worker('next'));
    await world.commit(last, { c: '1' });
    expect(await world.restored(await world.claim(world.worker('other')))).toMatchObject({ a: '1', c: '1' });
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

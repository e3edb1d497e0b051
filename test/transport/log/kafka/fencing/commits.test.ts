/** What becomes of commits: keeping alive, retries and refusals (fencing rules 2 to 4) on the model of a broker. The number in a title is the rule's; without the rule, its tests fail. */
import { describe, expect, it } from 'vitest';
import { kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { codeOf, hourMs, isCommit, kafkaWorld, shard, stateTopic } from '../world.ts';

const dayMs = 24 * hourMs;

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

  it('WK5 45 after acknowledged commits were lost: the claim is over, and nobody claims what is left', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('a');
    const claim = await world.claim(worker);
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
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
    // Another one could not know by itself.
    expect(await codeOf(world.claim(world.worker('b')))).toBe('WEIR_LOG_LOST');
  });

  it('WK5 commits were lost between two claims of one worker: it does not go on from what is left', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('a');
    const claim = await world.claim(worker);
    for (const value of ['1', '2', '3']) await world.commit(claim, { a: value });
    await claim.release();
    world.broker.electUncleanly(stateTopic, 0, 2);
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
  });

  it('WK5 another worker has gone on from what is left, and far beyond: whoever made the lost commits says so', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('a');
    const claim = await world.claim(worker);
    for (const value of ['1', '2', '3']) await world.commit(claim, { a: value });
    world.broker.electUncleanly(stateTopic, 0, 2);
    // It was told of nothing that is gone, so it has nothing to say.
    const other = await world.claim(world.worker('b'));
    for (let count = 0; count < 20; count += 1) await world.commit(other, { b: String(count) });
    await world.claim(world.worker('c'));
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
    expect(await codeOf(world.claim(world.worker('b')))).toBe('WEIR_LOG_LOST');
  });

  it('WK5 a batch lands below what was acknowledged, and ends above it: its worker knows that commits are gone', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('a');
    const claim = await world.claim(worker);
    await world.commit(claim, { a: '1' });
    // Nothing is left, so the broker knows no sequence either.
    world.broker.electUncleanly(stateTopic, 0, 100);
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, count) => [`b${count}`, '1']));
    expect(await codeOf(world.commit(claim, many))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
  });

  it('WK5 another worker has gone on from what was before the very claim of the lost commits', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('a');
    const claim = await world.claim(worker);
    for (const value of ['1', '2', '3']) await world.commit(claim, { a: value });
    world.broker.electUncleanly(stateTopic, 0, 5);
    const other = await world.claim(world.worker('b'));
    expect(other.term).toEqual(claim.term);
    for (let count = 0; count < 20; count += 1) await world.commit(other, { b: String(count) });
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_LOST');
  });

  it('WK5 an owner that sees from others that commits were lost says so in the log: nobody claims the shard any more', async () => {
    const world = await kafkaWorld();
    const owner = world.worker('a');
    await world.claim(owner);
    await world.run(owner.condemn(shard, 'shard 1 has taken its message 7, and it remembers 3'));
    await expect(world.claim(world.worker('b'))).rejects.toMatchObject({
      code: 'WEIR_LOG_LOST',
      message: expect.stringContaining('shard 1 has taken its message 7'),
    });
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

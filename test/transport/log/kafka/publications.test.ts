import { describe, expect, it } from 'vitest';
import type { RequestInfo } from '../../../../src/transport/log/kafka/model/index.ts';
import { kafkaError } from '../../../../src/transport/log/kafka/wire.ts';
import type { CommitBatch } from '../../../../src/transport/log/port.ts';
import { codeOf, kafkaWorld, shard, stateTopic, type World } from './world.ts';

const tableTopic = 'weir.flow.status';

function publishing(...values: readonly string[]): CommitBatch {
  const publications = values.map((value) => {
    const [key = '', text = ''] = value.split('=');
    return { topic: 'flow.status', key, value: Buffer.from(text) };
  });
  return { records: [{ key: 'state', value: Buffer.from(values.join()) }], publications };
}

function lazily(...values: readonly string[]): CommitBatch {
  const { records, publications } = publishing(...values);
  return { records, publications: publications.map((publication) => ({ ...publication, lazy: true })) };
}

/** The records of the table partition that are not the driver's own, as they were written. */
function published(world: World): string[] {
  return world
    .batches(tableTopic)
    .flatMap(({ records }) => records)
    .filter(({ key }) => key !== null && !key.startsWith('!'))
    .map(({ key, value }) => `${key}=${Buffer.from(value ?? []).toString()}`);
}

function isPublication({ api, about }: RequestInfo): boolean {
  return api === 'produce' && about === tableTopic;
}

describe('publications on Kafka', () => {
  it('W3 one is sent after its commit, and its record is gone with the next commit', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(isPublication, { delayMs: 500 });
    await world.run(claim.commit(publishing('f=1')));
    expect(published(world)).toEqual([]);
    await world.clock.advance(1_000);
    expect(published(world)).toEqual(['f=1']);
    await world.commit(claim, { x: '1' });
    const records = world.batches().flatMap((batch) => batch.records.filter(({ key }) => key?.startsWith('!s/')));
    expect(records.map(({ key, value }) => [key, value === null])).toEqual([
      ['!s/1', false],
      ['!s/1', true],
    ]);
  });

  it('W3 what a dead owner made durable and did not send is sent by the next, before anything of its own', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.faults((info) => (isPublication(info) && info.client === 'a' ? 'lost' : 'ok'));
    await world.run(claim.commit(publishing('f=1', 'g=1')));
    await world.run(claim.commit(publishing('f=2')));
    world.broker.crash('a');
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=3')));
    await world.clock.advance(1_000);
    // Of each key the newest alone: nobody has to see what was overtaken already.
    expect(published(world)).toEqual(['g=1', 'f=2', 'f=3']);
  });

  it('W3 a lost answer means no publication twice', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(isPublication, 'lost-answer');
    await world.run(claim.commit(publishing('f=1')));
    await world.run(claim.commit(publishing('f=2')));
    await world.clock.advance(60_000);
    expect(published(world)).toEqual(['f=1', 'f=2']);
  });

  it('W1 W3 a late publication of an old owner never follows a newer one', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.run(old.commit(publishing('f=0')));
    await world.clock.advance(0);
    world.once((info) => isPublication(info) && info.client === 'a', { delayMs: 5_000 });
    await world.run(old.commit(publishing('f=1')));
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=2')));
    await world.clock.advance(10_000);
    expect(published(world)).toEqual(['f=0', 'f=1', 'f=2']);
  });

  it('W1 WK5 the same under another producer id', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.run(old.commit(publishing('f=0')));
    await world.clock.advance(0);
    world.once((info) => isPublication(info) && info.client === 'a', { delayMs: 5_000 });
    await world.run(old.commit(publishing('f=1')));
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=2')));
    await world.clock.advance(10_000);
    expect(published(world)).toEqual(['f=0', 'f=1', 'f=2']);
  });

  it('W1 WK5 an owner that stood still past its session publishes nothing before it knows that it is one still', async () => {
    const world = await kafkaWorld({ latencyMs: { min: 10, max: 10 } });
    const old = await world.claim(world.worker('a'));
    await world.run(old.commit(publishing('f=0')));
    await world.clock.advance(1_000);
    // Its commit is durable, and it hears of that when it goes on.
    const committed = codeOf(old.commit(publishing('f=1')));
    await world.clock.advance(15);
    world.broker.freeze('a');
    await world.clock.advance(20_000);
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=2')));
    await world.clock.advance(1_000);
    // Nobody has written for longer than brokers remember whom they have shut out.
    for (const topic of [stateTopic, tableTopic]) world.broker.expireProducers(topic, 0);
    world.broker.thaw('a');
    await world.clock.advance(1_000);
    expect(await committed).toBe('done');
    expect(published(world)).toEqual(['f=0', 'f=1', 'f=2']);
    expect(await codeOf(old.commit(publishing('f=3')))).toBe('WEIR_LOG_OUT_OF_STEP');
  });

  it('WK13 an owner whose commits take long publishes all the same', async () => {
    const world = await kafkaWorld({ latencyMs: { min: 3_000, max: 3_000 }, log: { claimDeadlineMs: 300_000 } });
    const claim = await world.claim(world.worker('a'));
    await world.run(claim.commit(publishing('f=1')));
    await world.clock.advance(60_000);
    expect(published(world)).toEqual(['f=1']);
  });

  it('WK13 a table without a leader does not hold commits back, and loses nothing', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    const claim = await world.claim(log);
    world.broker.loseLeader(tableTopic, 0);
    for (let count = 0; count < 5; count++) await world.run(claim.commit(publishing(`f${count}=${count}`)));
    await world.clock.advance(60_000);
    expect(log.health()).toMatchObject({ state: 'stalled', error: { code: 'WEIR_LOG_UNREACHABLE' } });
    world.broker.changeLeader(tableTopic, 0);
    await world.clock.advance(60_000);
    expect(published(world)).toEqual(['f0=0', 'f1=1', 'f2=2', 'f3=3', 'f4=4']);
    expect(log.health()).toEqual({ state: 'ok' });
  });

  it('W3 a newer value of a key takes the place of one that waits, and none is sent before what was committed earlier', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(isPublication, { delayMs: 500 });
    for (const values of [['f=1'], ['f=2'], ['g=1'], ['f=3', 'g=2'], ['h=1', 'f=4']]) {
      await world.run(claim.commit(publishing(...values)));
    }
    await world.clock.advance(1_000);
    expect(published(world)).toEqual(['f=1', 'g=2', 'h=1', 'f=4']);
  });

  it('W3 the record of a publication that was overtaken stays until its topic has the newer one', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.broker.loseLeader(tableTopic, 0);
    for (const value of ['f=1', 'f=2', 'f=3']) await world.run(claim.commit(publishing(value)));
    await world.commit(claim, { x: '1' });
    const removed = () =>
      world
        .batches()
        .flatMap(({ records }) =>
          records.filter(({ key, value }) => key?.startsWith('!s/') && value === null).map(({ key }) => key),
        );
    expect(removed()).toEqual([]);
    world.broker.changeLeader(tableTopic, 0);
    await world.clock.advance(60_000);
    await world.commit(claim, { x: '2' });
    expect(removed()).toEqual(['!s/1', '!s/2', '!s/3']);
  });

  it('W3 what is lazy waits for others, for 50 ms at most, and leaves at once with what is not', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    await world.run(claim.commit(lazily('f=1')));
    await world.run(claim.commit(lazily('g=1')));
    await world.clock.advance(20);
    expect(published(world)).toEqual([]);
    await world.clock.advance(31);
    expect(published(world)).toEqual(['f=1', 'g=1']);
    await world.run(claim.commit(lazily('f=2')));
    await world.run(claim.commit(publishing('g=2')));
    await world.clock.advance(0);
    expect(published(world)).toEqual(['f=1', 'g=1', 'f=2', 'g=2']);
    expect(world.batches(tableTopic).filter(({ records }) => records.length === 2)).toHaveLength(2);
  });

  it('W3 what is lazy is sent when its claim is given up, and before its worker reads the topic', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    const claim = await world.claim(log);
    await world.run(claim.commit(lazily('f=1')));
    const read = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const chunk of log.read('flow.status', 0)) keys.push(...chunk.map(({ key }) => key));
      return keys;
    };
    expect(await world.run(read(), 40)).toEqual(['f']);
    await world.run(claim.commit(lazily('g=1')));
    await world.run(claim.release());
    await world.clock.advance(0);
    expect(published(world)).toEqual(['f=1', 'g=1']);
  });

  it('W3 a log that closes has sent what claims have made durable that were given up', async () => {
    const world = await kafkaWorld({ latencyMs: { min: 1, max: 20 } });
    const log = world.worker('a');
    const claim = await world.claim(log);
    await world.run(claim.commit(publishing('f=1')));
    await world.run(claim.commit(lazily('g=1')));
    await world.run(claim.release());
    await world.run(log.close());
    expect(published(world)).toEqual(['f=1', 'g=1']);
  });

  it('W7 commits wait when more than 16 MiB of publications do', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.broker.loseLeader(tableTopic, 0);
    const large = (key: string) => ({ topic: 'flow.status', key, value: Buffer.alloc(1_000_000) });
    const batch = (n: number) => ({
      records: [],
      publications: ['a', 'b', 'c', 'd'].map((key) => large(`${key}${n}`)),
    });
    for (let count = 0; count < 5; count++) await world.run(claim.commit(batch(count)));
    let sixth = 'waits';
    const committing = claim.commit(batch(5)).then(() => {
      sixth = 'done';
    });
    await world.clock.advance(60_000);
    expect(sixth).toBe('waits');
    world.broker.changeLeader(tableTopic, 0);
    await world.run(committing);
  });

  it('W2 a publication of a commit that was refused is never sent', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    world.once(({ api, about }) => api === 'produce' && about === stateTopic, { refuse: kafkaError.messageTooLarge });
    expect(await codeOf(world.run(claim.commit(publishing('f=refused'))))).toBe('WEIR_LOG_TOO_LARGE');
    await world.run(claim.commit(publishing('f=1')));
    await world.clock.advance(1_000);
    expect(published(world)).toEqual(['f=1']);
  });

  it('W3 keys of a table may look like the records of the driver', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    const claim = await world.claim(log);
    const special = { topic: 'flow.status', key: '!dead/1', value: Buffer.from('x') };
    await world.run(claim.commit({ records: [], publications: [special] }));
    await world.clock.advance(1_000);
    const table = await world.run(log.table('flow.status'));
    expect([...table.entries()].map(([key, value]) => [key, String(Buffer.from(value))])).toEqual([['!dead/1', 'x']]);
  });
});

describe('the end of a log on Kafka', () => {
  it('W6 WK13 closes at once while brokers are away: what waits hears that its outcome is unknown', async () => {
    const world = await kafkaWorld({ requestTimeoutMs: 1_000 });
    const log = world.worker('a');
    const claim = await world.claim(log);
    world.broker.down();
    const commit = codeOf(claim.commit(publishing('f=1')));
    const append = codeOf(log.append('flow.events', 0, [{ key: 'k', value: Buffer.from('1') }]));
    const other = codeOf(log.claim({ ...shard, partition: 1 }));
    await world.clock.advance(5_000);
    await world.run(log.close(), 5_000);
    expect(await Promise.all([commit, append, other])).toEqual(Array(3).fill('WEIR_LOG_CLOSED'));
  });

  it('WK13 says why commits wait, since when, and that they go on', async () => {
    const world = await kafkaWorld();
    const log = world.worker('a');
    const claim = await world.claim(log);
    const states: string[] = [];
    log.onHealth(({ state }) => states.push(state));
    world.broker.down();
    const since = world.clock.now();
    const committing = claim.commit(publishing('f=1'));
    await world.clock.advance(10_000);
    expect(log.health().since).toBeGreaterThanOrEqual(since);
    expect(log.health().error?.message).toContain(stateTopic);
    world.broker.up();
    await world.run(committing);
    expect([states[0], states.at(-1)]).toEqual(['stalled', 'ok']);
  });

  it('W6 a claim that takes too long is given up, and takes the shard from nobody later', async () => {
    const world = await kafkaWorld({ requestTimeoutMs: 1_000 });
    const one = world.worker('a');
    world.broker.cut('a');
    const late = codeOf(one.claim(shard));
    await world.clock.advance(60_000);
    const current = await world.claim(world.worker('b'));
    world.broker.heal('a');
    await world.clock.advance(60_000);
    expect(await late).not.toBe('done');
    await world.run(current.commit(publishing('f=1')));
  });
});

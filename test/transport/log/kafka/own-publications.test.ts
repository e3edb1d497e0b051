import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../../../src/testing/index.ts';
import type { RequestInfo } from '../../../../src/transport/log/kafka/model/index.ts';
import { type OwnLane, OwnPublications } from '../../../../src/transport/log/kafka/own-publications.ts';
import { TableFollower } from '../../../../src/transport/log/kafka/table-follower.ts';
import type { ProducerIdentity, WireBatch } from '../../../../src/transport/log/kafka/wire.ts';
import type { CommitBatch, Publication, Table } from '../../../../src/transport/log/port.ts';
import { kafkaWorld, type World } from './world.ts';

const tableTopic = 'weir.flow.status';

function publishing(...values: readonly string[]): CommitBatch {
  const publications = values.map((value) => {
    const [key = '', text = ''] = value.split('=');
    return { topic: 'flow.status', key, value: Buffer.from(text) };
  });
  return { records: [], publications };
}

/** What a table tells of from now on. */
function heardOf(table: Table): string[] {
  const heard: string[] = [];
  table.onChange((key, value) => void heard.push(`${key}=${Buffer.from(value ?? []).toString()}`));
  return heard;
}

/** A worker with an open table that its claim of the shard has told once by way of the brokers. */
async function owner(world: World, name = 'a') {
  const log = world.worker(name, { waitMs: 5_000 });
  const table = await world.run(log.table('flow.status'));
  const heard = heardOf(table);
  const claim = await world.claim(log);
  await world.run(claim.commit(publishing('f=0')));
  await world.clock.advance(0);
  return { log, table, claim, heard };
}

function fetches(world: World): { count: number } {
  const seen = { count: 0 };
  world.faults(({ api, about, partition }) => {
    if (api === 'fetch' && about === tableTopic && partition === 0) seen.count += 1;
    return 'ok';
  });
  return seen;
}

const isPublication = ({ api, about }: RequestInfo): boolean => api === 'produce' && about === tableTopic;

describe('publications of a worker, and its own tables', () => {
  it('W8 a table shows them once their commit is durable, before the topic has them', async () => {
    const world = await kafkaWorld();
    const { claim, heard } = await owner(world);
    world.broker.loseLeader(tableTopic, 0);
    await world.run(claim.commit(publishing('f=1', 'g=1')));
    expect(heard).toEqual(['f=0', 'f=1', 'g=1']);
  });

  it('W3 it shows none whose commit is not durable', async () => {
    const world = await kafkaWorld();
    const { claim, heard } = await owner(world);
    world.broker.down();
    const committing = claim.commit(publishing('f=1'));
    await world.clock.advance(30_000);
    expect(heard).toEqual(['f=0']);
    world.broker.up();
    await world.run(committing);
    expect(heard).toEqual(['f=0', 'f=1']);
  });

  it('W8 a table that is opened has what others of the worker were told before', async () => {
    const world = await kafkaWorld();
    const { log, claim, heard } = await owner(world);
    world.once(isPublication, { delayMs: 200 });
    await world.run(claim.commit(publishing('f=1', 'g=1')));
    expect(heard).toEqual(['f=0', 'f=1', 'g=1']);
    const second = await world.run(log.table('flow.status'));
    expect([...second.entries()].map(([key, value]) => `${key}=${Buffer.from(value).toString()}`)).toEqual([
      'f=1',
      'g=1',
    ]);
  });

  it('W8 a table that is opened under load has everything, in order', async () => {
    const world = await kafkaWorld({ latencyMs: { min: 1, max: 20 } });
    const { log, claim } = await owner(world);
    let opened: Table | undefined;
    void log.table('flow.status').then((table) => {
      opened = table;
    });
    let heard: string[] | undefined;
    for (let version = 1; version <= 60; version++) {
      await world.run(claim.commit(publishing(`f=${version}`, `g=${version}`)));
      if (opened !== undefined) heard ??= heardOf(opened);
    }
    const versions = (heard ?? []).filter((one) => one.startsWith('f=')).map((one) => Number(one.slice(2)));
    expect(versions.length).toBeGreaterThan(10);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(versions.at(-1)).toBe(60);
  });

  it('WK1 the topic is not read for what its own claim publishes, but for a look every now and then', async () => {
    const world = await kafkaWorld();
    const { claim } = await owner(world);
    // The request that is parked already brings the next one.
    await world.run(claim.commit(publishing('f=1')));
    await world.clock.advance(0);
    const seen = fetches(world);
    for (let version = 2; version <= 50; version++) await world.run(claim.commit(publishing(`f=${version}`)));
    await world.clock.advance(4_000);
    expect(seen.count).toBe(0);
    await world.clock.advance(60_000);
    expect(seen.count).toBeGreaterThan(3);
    expect(seen.count).toBeLessThan(15);
  });

  it('W1 after a takeover it follows the new owner, and never goes back', async () => {
    const world = await kafkaWorld();
    const { claim, heard } = await owner(world);
    world.broker.loseLeader(tableTopic, 0);
    await world.run(claim.commit(publishing('f=1', 'g=1')));
    await world.run(claim.commit(publishing('f=2')));
    const next = await world.claim(world.worker('b'));
    world.broker.changeLeader(tableTopic, 0);
    await world.run(next.commit(publishing('f=3')));
    await world.clock.advance(60_000);
    expect(heard).toEqual(['f=0', 'f=1', 'g=1', 'f=2', 'g=1', 'f=2', 'f=3']);
  });

  it('W1 what was under way when the claim was lost is told once', async () => {
    const world = await kafkaWorld();
    const { claim, heard } = await owner(world);
    world.once((info) => isPublication(info) && info.client === 'a', { delayMs: 2_000 });
    await world.run(claim.commit(publishing('f=1')));
    await world.run(claim.commit(publishing('g=1')));
    await world.run(claim.release());
    await world.clock.advance(10_000);
    expect(heard).toEqual(['f=0', 'f=1', 'g=1']);
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=2')));
    await world.clock.advance(10_000);
    // Their removal has no commit of its own, so the next owner sends them again.
    expect(heard.slice(3)).toEqual(['f=1', 'g=1', 'f=2']);
  });

  it('W1 a claim that comes back to the worker tells it again', async () => {
    const world = await kafkaWorld();
    const { log, claim, heard } = await owner(world);
    await world.run(claim.commit(publishing('f=1')));
    const again = await world.claim(log);
    await world.run(again.commit(publishing('f=2')));
    await world.clock.advance(0);
    world.broker.loseLeader(tableTopic, 0);
    await world.run(again.commit(publishing('f=3')));
    expect(heard.filter((one, index) => one !== heard[index - 1])).toEqual(['f=0', 'f=1', 'f=2', 'f=3']);
  });

  it('W1 an owner that has not heard that it is fenced finds what the new one publishes', async () => {
    const world = await kafkaWorld();
    const { heard } = await owner(world);
    const next = await world.claim(world.worker('b'));
    await world.run(next.commit(publishing('f=1')));
    await world.clock.advance(11_000);
    expect(heard.at(-1)).toBe('f=1');
  });

  it('W1 tells a closed table nothing', async () => {
    const world = await kafkaWorld();
    const { claim, table, heard } = await owner(world);
    table.close();
    await world.run(claim.commit(publishing('f=1')));
    await world.clock.advance(10_000);
    expect(heard).toEqual(['f=0']);
  });
});

describe('the follower of a table', () => {
  const at = { topic: tableTopic, partition: 0 };
  const mine: ProducerIdentity = { producerId: '7', epoch: 1 };
  const theirs: ProducerIdentity = { producerId: '7', epoch: 2 };
  const one = (key: string): Publication => ({ topic: tableTopic, key, value: Buffer.from('x') });

  function follower(own: OwnPublications) {
    const clock = virtualClock();
    const taken: string[] = [];
    const never = () => new Promise<never>(() => undefined);
    const reader = { position: 0, next: never, toEnd: never };
    const following = new TableFollower({
      ...{ ...at, clock, own, reader, waitMs: 1_000 },
      take: (key) => void taken.push(key),
    });
    void following.run();
    const read = (producer: ProducerIdentity, ...keys: readonly string[]): void => {
      const baseOffset = reader.position;
      reader.position += keys.length;
      const batch: WireBatch = {
        ...{ baseOffset, lastOffset: reader.position - 1, leaderEpoch: 0, control: false, timestampMs: 0 },
        producer: { ...producer, baseSequence: 0 },
        records: keys.map((key, index) => ({
          key,
          value: Buffer.from('x'),
          valueLength: 1,
          offset: baseOffset + index,
        })),
      };
      following.take([batch]);
    };
    return { taken, read };
  }

  function lane(end: number, waiting: readonly Publication[] = []): OwnLane {
    return { producer: mine, end, unacknowledged: () => waiting, flush: () => Promise.resolve() };
  }

  it('W8 is told by a claim only when it has read all that the claim has acknowledged, then of what waits there', () => {
    const own = new OwnPublications();
    const { taken, read } = follower(own);
    const claim = lane(2, [one('waits')]);
    own.begin(at.topic, at.partition, claim);
    own.acknowledged(at.topic, at.partition, claim);
    own.publish(at.topic, at.partition, claim, one('waits'));
    read(mine, 'first');
    own.acknowledged(at.topic, at.partition, claim);
    expect(taken).toEqual(['first']);
    read(mine, 'second');
    own.acknowledged(at.topic, at.partition, claim);
    own.publish(at.topic, at.partition, claim, one('next'));
    expect(taken).toEqual(['first', 'second', 'waits', 'next']);
  });

  it('W1 is not told by a claim any more behind which it has met a newer one', () => {
    const own = new OwnPublications();
    const { taken, read } = follower(own);
    const claim = lane(1);
    own.begin(at.topic, at.partition, claim);
    read(mine, 'first');
    own.acknowledged(at.topic, at.partition, claim);
    read(mine, 'told before');
    read(theirs, 'newer');
    own.publish(at.topic, at.partition, claim, one('heard late'));
    own.acknowledged(at.topic, at.partition, claim);
    own.publish(at.topic, at.partition, claim, one('heard late'));
    expect(taken).toEqual(['first', 'newer']);
  });
});

/**
 * What befalls brokers under load, and what they do to their log by themselves: they end and come back, they compact, they
 * forget whom they have shut out. Workers notice, and nobody loses anything by it.
 */
import { expect, it } from 'vitest';
import { describeKafka } from '../rig/describe-kafka.ts';
import { inSync, leaderOf, setOfBrokers, setOfTopic, useUp } from './broker-tools.ts';
import { writingOf } from './one-writer.ts';
import { inTurn, putToSleep } from './sleeper.ts';
import { nightly, payments, shardsAt, spreadOver, trialMs as timeout, underLoad } from './trial.ts';

/** Payments of a trial. */
const some = payments(200);
const rounds = nightly ? 3 : 1;
const withinMs = 120_000;
const dayMs = 86_400_000;

describeKafka('three brokers under load', { brokers: 3 }, (kafka) => {
  it('WK6 WK13 each broker is started anew, one after the other', { timeout }, async () => {
    const trial = { name: 'each of three brokers started anew in turn', workers: 2, seed: 31 };
    await underLoad(kafka(), trial, async ({ prefix, paid }) => {
      const { brokers, stop, start } = kafka();
      const part = some / (2 * brokers.length + 1);
      await paid(part);
      for (const [broker] of brokers.entries()) {
        await stop(broker);
        await paid(part);
        await start(broker);
        await inSync(kafka(), `${prefix}flow.state`);
        await paid(part);
      }
    });
  });

  it('WK6 the broker that leads is killed with SIGKILL, again and again', { timeout }, async () => {
    const times = 2 * rounds;
    const trial = { name: `SIGKILL of the leading one of three brokers, ${times} times`, workers: 2, seed: 32 };
    await underLoad(kafka(), trial, async ({ prefix, paid }) => {
      const { kill, start } = kafka();
      const topic = `${prefix}flow.state`;
      for (let n = 0; n < times; n++) {
        const leader = await leaderOf(kafka(), topic);
        await paid(some / (2 * times));
        await kill(leader);
        await paid(some / (2 * times));
        await start(leader);
        await inSync(kafka(), topic);
      }
    });
  });
});

const compacting = {
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.cleaner.backoff.ms': '100',
  'log.segment.bytes': String(2 ** 20),
  'log.roll.ms': '1000',
};

describeKafka('a broker that compacts at once', { settings: compacting }, (kafka) => {
  it('WK3 what is left of the log after compaction is what workers go on with', { timeout }, async () => {
    const trial = { name: 'compaction at once, segments of a second, and SIGKILL of workers', workers: 2, seed: 33 };
    let topic = '';
    await underLoad(kafka(), trial, async ({ workers, prefix, paid }) => {
      topic = `${prefix}flow.state`;
      for (let n = 0; n < rounds; n++) {
        const [victim, neighbour] = inTurn(workers, n);
        await spreadOver(neighbour, 2);
        // Workers that start refuse less than an hour; those that run have looked already.
        await setOfTopic(kafka(), topic, 'min.compaction.lag.ms=0');
        await paid(some / (2 * rounds));
        const compacted = async (): Promise<number> => {
          const { records, written } = await writingOf(kafka().brokers, topic);
          return records / written;
        };
        await expect.poll(compacted, { timeout: withinMs, interval: 1_000 }).toBeLessThan(0.5);
        await setOfTopic(kafka(), topic, 'min.compaction.lag.ms=3600000');
        expect(victim.signal('SIGKILL')).toBe(true);
        await paid(some / (2 * rounds));
      }
    });
    expect((await writingOf(kafka().brokers, topic)).strays).toEqual([]);
  });
});

const forgetful = {
  'transactional.id.expiration.ms': '2000',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '500',
  'producer.id.expiration.check.interval.ms': '500',
};

describeKafka('a broker that forgets', { settings: forgetful }, (kafka) => {
  it('WK5 transactional ids expire: each takeover has another producer id, and shuts the former one out', {
    timeout,
  }, async () => {
    const trial = { name: 'transactional ids expired, SIGSTOP past the session, SIGCONT', workers: 2, seed: 34 };
    let topic = '';
    await underLoad(kafka(), trial, async ({ workers, prefix, paid }) => {
      topic = `${prefix}flow.state`;
      for (let n = 0; n < rounds; n++) {
        const sleeper = await putToSleep(workers, n);
        await paid(some / (2 * rounds));
        sleeper.wake();
        await sleeper.noticed();
        await paid(some / (2 * rounds));
      }
    });
    const { strays, producers, partitions } = await writingOf(kafka().brokers, topic);
    expect(strays).toEqual([]);
    expect(producers).toBeGreaterThan(partitions + rounds);
  });

  it('WK5 producers are forgotten, which fences stand on: owners go on, and shards that are given up are taken over', {
    timeout,
  }, async () => {
    const trial = { name: 'producers forgotten while workers leave and come back', workers: 2, seed: 35 };
    await underLoad(kafka(), trial, async ({ workers, deaths, paid }) => {
      for (let n = 0; n < rounds; n++) {
        const [leaver, neighbour] = inTurn(workers, n);
        await spreadOver(neighbour, 2);
        await setOfBrokers(kafka(), 'producer.id.expiration.ms=1000');
        await paid(some / (2 * rounds));
        deaths.terminates(leaver.name);
        await leaver.stop();
        await spreadOver(neighbour, 1);
        await paid(some / (2 * rounds));
        await setOfBrokers(kafka(), `producer.id.expiration.ms=${dayMs}`);
        await leaver.start();
      }
    });
  });

  it('WK5 producers are forgotten while workers sleep past their session: what gets past a fence takes nothing back', {
    timeout,
  }, async () => {
    const trial = { name: 'producers forgotten, SIGSTOP past the session, SIGCONT', workers: 2, seed: 37 };
    await underLoad(kafka(), trial, async ({ workers, paid }) => {
      for (let n = 0; n < 2 * rounds; n++) {
        const sleeper = await putToSleep(workers, n);
        await setOfBrokers(kafka(), 'producer.id.expiration.ms=1000');
        await paid(some / (4 * rounds));
        sleeper.wake();
        await paid(some / (4 * rounds));
        await spreadOver(workers[0], 2);
        await setOfBrokers(kafka(), `producer.id.expiration.ms=${dayMs}`);
      }
    });
  });
});

describeKafka('a broker whose epochs end', {}, (kafka) => {
  it('WK5 the producer id of a shard is used up: its takeover has another one, and shuts the former one out', {
    timeout,
  }, async () => {
    const trial = {
      name: 'the producer id of a shard used up, SIGSTOP past the session, SIGCONT',
      workers: 2,
      seed: 36,
    };
    let topic = '';
    await underLoad(kafka(), trial, async ({ workers, prefix, paid }) => {
      topic = `${prefix}flow.state`;
      await spreadOver(workers[0], 2);
      await paid(some / 3);
      const [own] = (await shardsAt(workers[0])).filter(({ worker }) => worker === workers[0]?.name);
      await useUp(kafka(), `${topic}-${own?.partition}`);
      const sleeper = await putToSleep(workers, 0);
      await paid(some / 3);
      sleeper.wake();
      await sleeper.noticed();
      await paid(some / 3);
    });
    const { strays, producers, partitions } = await writingOf(kafka().brokers, topic);
    expect(strays).toEqual([]);
    expect(producers).toBeGreaterThan(partitions);
  });
});

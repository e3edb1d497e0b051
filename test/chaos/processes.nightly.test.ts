/**
 * The payments example as real processes under faults, for minutes: with `CHAOS_MINUTES` for as many, with `npm run chaos`
 * for as long as it is told, with a seed of its own.
 */
import { describe, expect, it } from 'vitest';
import { embeddedMarket, kafkaMarket, type PreparedMarket } from '../../scripts/chaos/clusters.ts';
import { describeKafka } from '../rig/describe-kafka.ts';
import { survived } from './survived.ts';

const minutes = Number(process.env.CHAOS_MINUTES ?? 2);
const timeout = minutes * 60_000 + 300_000;

describe('a real process under faults, for longer', () => {
  it('TK8 loses nothing and doubles nothing, and the ledger balances', { timeout }, async () => {
    const struck = await survived({
      name: `${minutes} min of faults from a seed, embedded log`,
      seed: 4,
      minutes,
      prepare: embeddedMarket,
    });
    expect(struck.length).toBeGreaterThanOrEqual(4);
  });
});

/** It begins with a broker that dies, a worker that dies, and one that is stopped past its session. */
const kafkaSeed = 5;
const brokerKilled = 'SIGKILL of a broker, restart';

describeKafka('real processes on a real broker under faults', {}, (kafka) => {
  it('TK8 WK5 two workers and their broker lose nothing and double nothing, and the ledger balances', {
    timeout,
  }, async () => {
    const prepare = (folder: string): Promise<PreparedMarket> => kafkaMarket(folder, kafka(), 2);
    const name = `${minutes} min of faults from a seed, two workers and a broker`;
    const struck = await survived({ name, seed: kafkaSeed, minutes, prepare });
    expect(struck).toEqual(
      expect.arrayContaining([brokerKilled, 'SIGKILL', 'full-disk', 'SIGSTOP past the session, SIGCONT']),
    );
  });
});

describeKafka('real processes on three real brokers under faults', { brokers: 3 }, (kafka) => {
  it('TK8 WK6 a broker dies under load: nothing is lost, nothing doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const prepare = (folder: string): Promise<PreparedMarket> => kafkaMarket(folder, kafka(), 2);
    const name = `${minutes / 2} min of faults from a seed, two workers and three brokers`;
    const struck = await survived({ name, seed: kafkaSeed, minutes: minutes / 2, prepare });
    expect(struck).toEqual(expect.arrayContaining([brokerKilled, 'SIGKILL']));
  });
});

/** Leases and times (fencing rule 5) on the model of a broker. The number in a title is the rule's; without the rule, its tests fail. */
import { describe, expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../../../src/ports/index.ts';
import { virtualClock } from '../../../../../src/testing/index.ts';
import { FencedWriter } from '../../../../../src/transport/log/kafka/fenced-writer.ts';
import { kafkaLog } from '../../../../../src/transport/log/kafka/index.ts';
import { Lease } from '../../../../../src/transport/log/kafka/lease.ts';
import { Patience } from '../../../../../src/transport/log/kafka/patience.ts';
import { codeOf, commit, hourMs, isCommit, kafkaWorld, minuteMs, stateTopic } from '../world.ts';
import { forwarding } from './forwarding.ts';

const dayMs = 24 * hourMs;

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

  it('WK5 a commit that landed in the wrong place renews no lease', async () => {
    const { clock, broker, run } = await kafkaWorld();
    const wire = broker.connect('a');
    const lease = new Lease(clock, hourMs);
    const writer = new FencedWriter({
      ...{ wire, clock, lease, topic: stateTopic, partition: 0, renews: true, term: () => '1.1' },
      patience: new Patience({ wire, clock, random: seededRandom(1), logger: silentLogger }),
      producer: await run(wire.initProducerId('a')),
    });
    await run(writer.write([{ key: 'fence', value: null }]));
    await clock.advance(minuteMs);
    const another = { topic: stateTopic, partition: 0, records: [{ key: 'b', value: null }] };
    await run(wire.produce({ ...another, timestampMs: clock.now() }));
    expect(await codeOf(run(writer.write([{ key: 'a', value: null }])))).toBe('WEIR_LOG_OUT_OF_STEP');
    expect(lease.age).toBeGreaterThanOrEqual(minuteMs);
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

  it('WK5 where brokers forget sooner, claims are kept alive more often, and end sooner', async () => {
    const world = await kafkaWorld({ producerIdExpirationMs: 85 * minuteMs });
    const claim = await world.claim(world.worker('a'));
    const before = world.produced().length;
    // 85 minutes less one for the oldest timestamp and ten for the clocks: a lease of 15, of which half may be silent.
    await world.clock.advance(8 * minuteMs);
    expect(world.produced().length).toBe(before + 1);
    world.broker.cut('a');
    await world.clock.advance(15 * minuteMs);
    world.broker.heal('a');
    expect(await codeOf(world.commit(claim, { a: 'late' }))).toBe('WEIR_LOG_OUT_OF_STEP');
  });

  it('WK5 refuses brokers that forget before everything of an old owner has arrived', async () => {
    const world = await kafkaWorld();
    const forgetful = await codeOf(kafkaWorld({ producerIdExpirationMs: 70 * minuteMs }));
    expect(forgetful).toBe('WEIR_LOG_EXPIRY');
    // Those that do not tell are taken for what brokers are by default.
    const silent = world.worker('a', {
      wire: { ...forwarding(world.broker.connect('a')), brokerConfig: async () => ({}) },
    });
    await world.claim(silent);
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

const unused = forwarding(
  new Proxy(Object.create(null), {
    get: () => () => Promise.reject(new Error('nothing is asked of the brokers here')),
  }),
);

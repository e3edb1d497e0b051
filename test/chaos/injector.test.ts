import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';
import { type Fault, type FaultInjector, faultInjector, faultWords, virtualClock } from '../../src/testing/index.ts';

const everyWrite = faultWords.filter((word) => word !== 'fenced-writer');
const shard = (partition: number) => ({ topic: 'flow.state', partition });

function injectorOf(seed = 1) {
  const clock = virtualClock();
  const acts: string[] = [];
  const injector = faultInjector({
    clock,
    random: seededRandom(seed),
    process: {
      crash: () => void acts.push('crash'),
      freeze: (forMs) => {
        acts.push(`freeze ${forMs}`);
        return () => void acts.push('thaw');
      },
    },
    nodeOf: ({ group }) => (group === 'elsewhere' ? 'node-b' : undefined),
  });
  injector.attach({ writes: everyWrite, messages: true, clock: true });
  return { clock, acts, injector };
}

const fates = (injector: FaultInjector, count: number): string[] =>
  Array.from({ length: count }, () => injector.fateOfCommit(shard(0)).what);

describe('fault injector', () => {
  it('TK3 strikes so many times, and counts what it struck', () => {
    const { injector } = injectorOf();
    injector.inject({ type: 'lost-ack', times: 2 });
    expect(fates(injector, 4)).toEqual(['lost-ack', 'lost-ack', 'ok', 'ok']);
    expect(injector.struck()).toMatchObject({ 'lost-ack': 2, slow: 0 });
    expect(injector.active()).toEqual([]);
  });

  it('TK3 strikes for so long, by the clock it is given', async () => {
    const { injector, clock } = injectorOf();
    injector.inject({ type: 'lost-ack', for: '10 s' });
    await clock.advance('9 s');
    expect(fates(injector, 1)).toEqual(['lost-ack']);
    await clock.advance('1 s');
    expect(fates(injector, 1)).toEqual(['ok']);
  });

  it('TK3 strikes with odds that follow from the seed', () => {
    const run = (seed: number): string[] => {
      const { injector } = injectorOf(seed);
      injector.inject({ type: 'lost-ack', odds: 0.3 });
      return fates(injector, 1_000);
    };
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
    const struck = first.filter((what) => what === 'lost-ack').length;
    expect(struck).toBeGreaterThan(200);
    expect(struck).toBeLessThan(400);
  });

  it('TK3 draws no randomness without odds, so that a fault changes nothing but what it strikes', () => {
    const random = { next: () => expect.fail('a number was drawn'), bytes: () => new Uint8Array() };
    const injector = faultInjector({
      clock: virtualClock(),
      random,
      process: { crash: () => undefined, freeze: () => undefined },
    });
    injector.attach({ writes: everyWrite });
    injector.inject({ type: 'lost-ack' });
    expect(fates(injector, 1)).toEqual(['lost-ack']);
  });

  it('TK3 strikes only the shard it is aimed at', () => {
    const { injector } = injectorOf();
    injector.inject({ type: 'lost-ack', on: 'shard 3' });
    injector.inject({ type: 'lost-ack', on: 'shard crypto.state/5' });
    const struck = [3, 4, 5].map((partition) => injector.fateOfCommit(shard(partition)).what);
    expect(struck).toEqual(['lost-ack', 'ok', 'ok']);
    expect(injector.fateOfCommit({ topic: 'crypto.state', partition: 5 }).what).toBe('lost-ack');
  });

  it('TK3 slows a write down whatever else strikes it', () => {
    const { injector } = injectorOf();
    injector.inject({ type: 'slow', by: '200 ms' });
    injector.inject({ type: 'lost-ack', times: 1 });
    expect(injector.fateOfCommit(shard(0))).toEqual({ delayMs: 200, what: 'lost-ack' });
    expect(injector.fateOfCommit(shard(0))).toEqual({ delayMs: 200, what: 'ok' });
  });

  it('TK3 strikes messages of a member by name or short id, and those of a node', () => {
    const { injector } = injectorOf();
    const here = (name: string) => ({ name, group: 'default' });
    const there = { name: 'CECIL', group: 'elsewhere' };
    injector.inject({ type: 'lose', on: 'peer ACME' });
    injector.inject({ type: 'lose', on: 'peer node-b' });
    const copies = [
      injector.fateOfMessage(here('ACME'), here('BERT')),
      injector.fateOfMessage(here('BERT'), here('ACME')),
      injector.fateOfMessage(here('BERT'), there),
      injector.fateOfMessage(here('BERT'), here('DORA')),
    ].map((fate) => fate.copies);
    expect(copies).toEqual([0, 0, 0, 1]);
  });

  it('TK3 lets what it holds go when it is cleared', async () => {
    const { injector, acts } = injectorOf();
    injector.inject({ type: 'hang', for: '10 s' });
    injector.inject({ type: 'full-disk' });
    const { over } = injector.fateOfCommit(shard(0));
    expect(injector.active().map(({ text }) => text)).toEqual([
      'the worker stands still, for 10 s',
      'the disk is full',
    ]);
    injector.clear();
    await over;
    expect(acts).toEqual(['freeze 10000', 'thaw']);
    expect(injector.active()).toEqual([]);
    expect(injector.fateOfCommit(shard(0)).what).toBe('ok');
  });

  it('TK3 tells of each fault as plain data', async () => {
    const { injector, clock } = injectorOf();
    await clock.advance('1 s');
    const fault: Fault = { type: 'lost-ack', times: 3, for: '1 min' };
    const active = injector.inject(fault);
    fates(injector, 1);
    const now = clock.now();
    expect(injector.active()).toEqual([
      { id: active.id, fault, text: active.text, since: now, until: now + 60_000, left: 2, struck: 1 },
    ]);
    expect(JSON.parse(JSON.stringify(injector.active()))).toEqual(injector.active());
    expect([injector.lift(active.id), injector.lift(active.id)]).toEqual([true, false]);
  });

  it('TK3 refuses what could never strike', () => {
    const injector = faultInjector({
      clock: virtualClock(),
      random: seededRandom(1),
      process: { crash: () => undefined, freeze: () => undefined },
    });
    injector.attach({
      writes: ['slow'],
      actors: {
        crash: () => 'no-such-actor',
        hang: () => 'not-allowed',
        fill: () => 'done',
        release: () => 'done',
      },
    });
    const why = (fault: Fault): unknown => {
      try {
        return injector.inject(fault).id;
      } catch (thrown) {
        return thrown instanceof Error ? thrown.message : thrown;
      }
    };
    expect(why({ type: 'lost-ack' })).toBe('lost-ack cannot strike here: the log of this worker knows no such failure');
    expect(why({ type: 'lose' })).toBe('lose cannot strike here: no messages between members pass here');
    expect(why({ type: 'clock-skew', by: 1 })).toBe(
      'clock-skew cannot strike here: the clock of this worker cannot be skewed',
    );
    expect(why({ type: 'fenced-writer', on: 'log' })).toBe(
      'fenced-writer cannot strike here: nobody else can claim a shard here',
    );
    expect(why({ type: 'crash', on: '/services/rcp' })).toBe(
      'crash cannot strike here: there is no actor /services/rcp',
    );
    expect(why({ type: 'hang', on: '/services/rpc' })).toBe(
      'hang cannot strike here: the actor /services/rpc is starting or stopping just now',
    );
    expect(injector.active()).toEqual([]);
    expect(injector.struck()).toMatchObject({ crash: 0, hang: 0 });
  });
});

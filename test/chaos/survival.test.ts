/** Each fault by name against a node under load: it strikes, and every payment still has one outcome, every balance is right. */
import { afterEach, describe, expect, it } from 'vitest';
import { WeirError } from '../../src/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import { type Market, openMarket } from './market.ts';

let market: Market | undefined;
afterEach(() => market?.stop());

const survivable: readonly Fault[] = [
  { type: 'crash' },
  { type: 'crash', on: 'log', when: 'before' },
  { type: 'crash', on: 'shard 1', when: 'after' },
  { type: 'torn-write' },
  { type: 'crash', on: '/services/rpc' },
  { type: 'crash', on: '/services/flow' },
  { type: 'crash', on: '/services/flow/shard-2' },
  { type: 'hang', for: '40 s' },
  { type: 'hang', on: '/services/rpc', for: '20 s' },
  { type: 'slow', by: '300 ms', odds: 0.5, for: '1 min' },
  { type: 'slow', on: 'peers', by: '5 s', odds: 0.2, for: '1 min' },
  { type: 'lost-ack', odds: 0.3, for: '1 min' },
  { type: 'duplicate', odds: 0.5, for: '1 min' },
  { type: 'duplicate', on: 'log', odds: 0.5, for: '1 min' },
  { type: 'reorder', odds: 0.5, for: '1 min' },
  { type: 'lose', odds: 0.3, for: '1 min' },
  { type: 'partition', on: 'peers', for: '30 s' },
  { type: 'partition', on: 'log', for: '30 s' },
  { type: 'clock-skew', by: '-1 h', for: '1 min' },
  { type: 'clock-skew', by: '2 h', drift: 0.2, for: '1 min' },
  { type: 'fenced-writer', on: 'shard 0', for: '5 s' },
  { type: 'fenced-writer', on: 'log' },
  { type: 'full-disk', for: '30 s' },
  { type: 'full-mailbox', on: '/services/rpc', for: '10 s' },
];

describe('a node under load', () => {
  it.each(survivable)('TK3 survives %j', async (fault) => {
    market = await openMarket({ payments: 40 });
    const { kit, until, accepted, ended, prove } = market;
    await until(() => accepted() >= 10, 'ten payments');
    expect(ended()).toBeLessThan(20);
    kit.inject(fault);
    const { balanced, problems } = await prove();
    expect({ balanced, problems }).toEqual({ balanced: true, problems: [] });
    expect(kit.chaos().struck()[fault.type]).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 4])('TK3 survives twelve faults at once on two workers (seed %i)', async (seed) => {
    market = await openMarket({ payments: 40, workers: 2, seed });
    const { kit, until, accepted, prove } = market;
    const random = seededRandom(seed);
    await until(() => accepted() >= 5, 'five payments');
    for (let injected = 0; injected < 12; ) {
      const worker = Math.floor(random.next() * 2);
      const fault = survivable[Math.floor(random.next() * survivable.length)];
      const next = kit.clock.monotonic() + 100;
      await until(() => kit.clock.monotonic() >= next && !kit.isDown(worker), 'a worker that is up');
      try {
        if (fault !== undefined) kit.inject(fault, worker);
        injected += 1;
      } catch (error) {
        // The other worker has that shard, or the actor is just being restarted.
        if (!WeirError.is(error, 'WEIR_FAULT_UNREACHABLE')) throw error;
      }
    }
    const { balanced, problems } = await prove();
    expect({ balanced, problems }).toEqual({ balanced: true, problems: [] });
    const struck = [0, 1].flatMap((worker) => Object.entries(kit.chaos(worker).struck()));
    expect(struck.filter(([, count]) => count > 0).length).toBeGreaterThanOrEqual(5);
  });
});

/** Faults by name on the wire of the Kafka driver: the driver itself, over the model of a broker. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';
import { type Fault, faultInjector, faultyWire } from '../../src/testing/index.ts';
import { kafkaWorld } from '../transport/log/kafka/world.ts';

async function struckWorld() {
  const world = await kafkaWorld();
  const acts: string[] = [];
  const injector = faultInjector({
    clock: world.clock,
    random: seededRandom(1),
    process: { crash: () => void acts.push('crash'), freeze: () => undefined },
  });
  const wire = faultyWire(world.broker.connect('struck'), injector);
  return { world, injector, acts, log: world.worker('struck', { wire }) };
}

describe('faults by name on Kafka', () => {
  it.each<Fault>([
    { type: 'lost-ack', times: 3 },
    { type: 'lost-ack', on: 'shard flow.state/0', odds: 0.5 },
    { type: 'duplicate', on: 'log', odds: 0.5 },
    { type: 'slow', by: '2 s' },
    { type: 'full-disk', for: '20 s' },
    { type: 'partition', on: 'log', for: '20 s' },
  ])('TK3 %j: every commit is there once, in order, and another worker reads it', async (fault) => {
    const { world, injector, log } = await struckWorld();
    const claim = await world.claim(log);
    injector.inject(fault);
    for (let n = 1; n <= 6; n++) await world.commit(claim, { last: String(n), [`only ${n}`]: String(n) });
    expect(injector.struck()[fault.type]).toBeGreaterThan(0);
    injector.clear();
    const next = await world.claim(world.worker('next'));
    const found = await world.restored(next);
    expect(found).toEqual({
      last: '6',
      ...Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`only ${index + 1}`, String(index + 1)])),
    });
  });

  it.each([
    ['before', {}],
    ['after', { last: '1' }],
  ] as const)('TK3 crash %s: the commit is answered to nobody, and is there or not', async (when, expected) => {
    const { world, injector, log, acts } = await struckWorld();
    const claim = await world.claim(log);
    injector.inject({ type: 'crash', on: 'log', when });
    await expect(world.commit(claim, { last: '1' })).rejects.toThrow('nothing came of it');
    expect(acts).toEqual(['crash']);
    const next = await world.claim(world.worker('next'));
    expect(await world.restored(next)).toEqual(expected);
  });

  it('TK3 a worker that is cut off from the brokers says so, and can be replaced meanwhile', async () => {
    const { world, injector, log } = await struckWorld();
    const claim = await world.claim(log);
    await world.commit(claim, { last: '1' });
    injector.inject({ type: 'partition', on: 'log' });
    const lost = expect(world.commit(claim, { last: '2' })).rejects.toMatchObject({ code: 'WEIR_LOG_FENCED' });
    await world.clock.advance('30 s');
    expect(log.health().state).toBe('stalled');
    const next = await world.claim(world.worker('next'));
    await world.commit(next, { last: '3' });
    injector.clear();
    await lost;
    expect(await world.restored(await world.claim(world.worker('third')))).toEqual({ last: '3' });
  });
});

/** Services of workers as supervised children, on a log: their subscriptions, and the shards that they give up. */
import { describe, expect, it } from 'vitest';
import { type ActorSystem, createActorSystem } from '../../src/actors/kernel/index.ts';
import { seededRandom, silentLogger } from '../../src/ports/index.ts';
import { type ChildSpec, shutdownMsOf, supervisor } from '../../src/supervisors/index.ts';
import { virtualClock } from '../../src/testing/index.ts';
import { type Log, memoryCluster } from '../../src/transport/log/index.ts';
import { puppet, supervise } from './support.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

describe('subscriptions', () => {
  it('WK7 a service subscribes when what it needs is ready, and goes on after its fall where it had been', async () => {
    const random = seededRandom(1);
    const heard: string[] = [];
    let position = 0;
    let log: Log | undefined;
    const subscriber: ChildSpec = {
      id: 'rpc',
      needs: ['crypto'],
      start: () => (context) => {
        const tail = log?.tail('flow.events', 0, position, (records) => {
          for (const { value, offset } of records) {
            heard.push(text(value));
            position = offset + 1;
          }
          return undefined;
        });
        context.signal.addEventListener('abort', () => tail?.close(), { once: true });
        return { message: () => undefined };
      },
    };
    const crypto = puppet('crypto', [], { ready: 'when-reported' });
    const { clock, settle, states } = supervise([subscriber, crypto.spec]);
    log = memoryCluster({ clock, random }).worker('one');
    await log.ensureTopics([{ name: 'flow.events', partitions: 1, kind: 'events' }]);
    const append = async (value: string): Promise<void> => {
      const appended = log?.append('flow.events', 0, [{ key: 'k', value: bytes(value) }]);
      await settle();
      await appended;
      await settle();
    };
    await append('before');
    expect([await states(), heard]).toEqual(['crypto:starting rpc:waiting', []]);
    crypto.ready();
    await settle();
    expect(heard).toEqual(['before']);
    await append('while it is up');
    crypto.fail('no key store');
    await settle();
    await append('while it is down');
    expect([await states(), heard]).toEqual(['crypto:backoff rpc:waiting', ['before', 'while it is up']]);
    await clock.advance(100);
    crypto.ready();
    await settle();
    expect([await states(), heard]).toEqual([
      'crypto:ready rpc:ready',
      ['before', 'while it is up', 'while it is down'],
    ]);
  });
});

describe('shards of a service', () => {
  /** A service that owns partitions of a group, and lets go of them when its incarnation ends. */
  function owning(id: string, log: Log, settings: Partial<ChildSpec> = {}): ChildSpec {
    const start: ChildSpec['start'] = () => async (context) => {
      const membership = await log.join(id, 4, { assigned: () => undefined, revoked: () => Promise.resolve() });
      // A turn that hangs keeps its incarnation's hook waiting, so what must not wait hangs on the signal.
      context.signal.addEventListener('abort', () => void membership.leave(), { once: true });
      return { message: () => undefined };
    };
    return { id, start, turnWithin: '5 s', startWithin: '5 s', ...settings };
  }

  const hurts: readonly (readonly [string, (system: ActorSystem) => void])[] = [
    ['hangs', (system) => void system.steer.hang('/services/crypto')],
    ['crashes', (system) => void system.steer.crash('/services/crypto', new Error('no key store'))],
  ];
  for (const [what, hurt] of hurts) {
    it(`WK14 a service that ${what} past its budget gives up only its own shards, and another worker runs them`, async () => {
      const clock = virtualClock();
      const random = seededRandom(1);
      const cluster = memoryCluster({ clock, random });
      const systems = ['one', 'two'].map((worker) => {
        const system = createActorSystem({ clock, random, logger: silentLogger });
        const log = cluster.worker(worker);
        const spec = {
          strategy: 'one-for-one',
          intensity: { max: 0, within: '1 min' },
          backoff: { min: 100, max: 100, jitter: 0 },
          children: [owning('crypto', log), owning('database', log)],
        } as const;
        system.spawn('services', supervisor(spec, { random }), { shutdownMs: shutdownMsOf(spec) });
        return system;
      });
      const owners = (group: string): string[] => [...cluster.owners(group)].map(String).sort();
      const shared = ['one', 'one', 'two', 'two'];
      await clock.advance('1 min');
      expect([owners('crypto'), owners('database')]).toEqual([shared, shared]);
      const [one] = systems;
      if (one !== undefined) hurt(one);
      await clock.advance('10 s');
      expect([owners('crypto'), owners('database')]).toEqual([['two', 'two', 'two', 'two'], shared]);
    });
  }
});

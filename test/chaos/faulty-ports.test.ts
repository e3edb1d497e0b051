/** Each decorator shown to strike: the world behind it is another one than without the fault. */
import { describe, expect, it } from 'vitest';
import { type Clock, seededRandom } from '../../src/ports/index.ts';
import {
  type Fault,
  faultInjector,
  faultyClock,
  faultyPeer,
  faultyWire,
  virtualClock,
} from '../../src/testing/index.ts';
import { type KafkaWire, WireFailure } from '../../src/transport/log/index.ts';
import { loopbackTransport } from '../../src/transport/peer/index.ts';

function injectorOn(clock: Clock) {
  const acts: string[] = [];
  const injector = faultInjector({
    clock,
    random: seededRandom(1),
    process: { crash: () => void acts.push('crash'), freeze: () => undefined },
  });
  return { injector, acts };
}

describe('faulty peer', () => {
  async function arrivals(fault: Fault, advance: string | number = 0): Promise<string[]> {
    const clock = virtualClock();
    const { injector } = injectorOn(clock);
    const peer = faultyPeer(loopbackTransport({ clock, random: seededRandom(1) }), injector);
    const arrived: string[] = [];
    peer.listen(({ bytes }) => void arrived.push(Buffer.from(bytes).toString()));
    injector.inject(fault);
    for (const text of ['a', 'b', 'c']) {
      const [source, destination] = ['ACME', 'BERT'].map((name) => ({ name, group: 'default' }));
      if (source === undefined || destination === undefined) throw new Error('two members talk');
      peer.send({ source, destination, bytes: Buffer.from(text) });
      await clock.advance(0);
    }
    await clock.advance(Number(advance));
    return arrived;
  }

  it.each<[Fault, string]>([
    [{ type: 'lose', times: 1 }, 'bc'],
    [{ type: 'lose', on: 'peer ACME' }, ''],
    [{ type: 'lose', on: 'peer CECIL' }, 'abc'],
    [{ type: 'duplicate', times: 1 }, 'aabc'],
    [{ type: 'reorder', times: 1 }, 'bac'],
    [{ type: 'partition', on: 'peer BERT' }, ''],
    [{ type: 'slow', on: 'peers', by: 50, times: 1 }, 'bc'],
  ])('TK3 %j', async (fault, expected) => {
    expect((await arrivals(fault)).join('')).toBe(expected);
  });

  it('TK3 a slow message arrives, and one that nothing overtakes does too', async () => {
    expect((await arrivals({ type: 'slow', on: 'peers', by: 50, times: 1 }, 50)).join('')).toBe('bca');
    expect((await arrivals({ type: 'reorder', by: 70 }, 70)).join('')).toBe('abc');
  });

  it('TK3 keeps a message out that was sent before the partition', async () => {
    const clock = virtualClock();
    const { injector } = injectorOn(clock);
    const peer = faultyPeer(loopbackTransport({ clock, random: seededRandom(1) }), injector);
    let arrived = 0;
    peer.listen(() => void arrived++);
    const member = { name: 'ACME', group: 'default' };
    peer.send({ source: member, destination: member, bytes: new Uint8Array() });
    injector.inject({ type: 'partition', on: 'peers', for: '1 s' });
    await clock.advance('1 s');
    expect(arrived).toBe(0);
    peer.send({ source: member, destination: member, bytes: new Uint8Array() });
    await clock.advance(0);
    expect(arrived).toBe(1);
  });
});

describe('faulty clock', () => {
  it('TK3 skews the wall clock alone, and puts it right again', async () => {
    const clock = virtualClock();
    const { injector } = injectorOn(clock);
    const skewed = faultyClock(clock, injector);
    injector.inject({ type: 'clock-skew', by: '-1 h', for: '10 s' });
    expect(skewed.now() - clock.now()).toBe(-3_600_000);
    expect(skewed.monotonic()).toBe(clock.monotonic());
    await clock.advance('10 s');
    expect(skewed.now()).toBe(clock.now());
  });

  it('TK3 drifts: time and timers run too fast, and the monotonic clock never goes back', async () => {
    const clock = virtualClock();
    const { injector } = injectorOn(clock);
    const skewed = faultyClock(clock, injector);
    const fired: number[] = [];
    injector.inject({ type: 'clock-skew', drift: 1, for: '10 s' });
    skewed.after(4_000, () => void fired.push(clock.monotonic()));
    await clock.advance('5 s');
    expect({ fired, monotonic: skewed.monotonic() }).toEqual({ fired: [2_000], monotonic: 10_000 });
    await clock.advance('10 s');
    // What it has run ahead stays; the wall clock has been set right.
    expect({ monotonic: skewed.monotonic(), wall: skewed.now() - clock.now() }).toEqual({ monotonic: 25_000, wall: 0 });
    injector.inject({ type: 'clock-skew', drift: -0.9 });
    injector.inject({ type: 'clock-skew', drift: -0.9 });
    await clock.advance('10 s');
    expect(skewed.monotonic()).toBe(25_000);
  });
});

describe('faulty wire', () => {
  function broker() {
    const clock = virtualClock();
    const { injector, acts } = injectorOn(clock);
    const produced: number[] = [];
    const refused = (): Promise<never> => Promise.reject(new Error('not asked for here'));
    const wire: KafkaWire = {
      produce: async ({ partition }) => ({ error: 0, baseOffset: produced.push(partition) - 1 }),
      topics: async () => [],
      ...{ initProducerId: refused, fetch: refused, offset: refused, deleteRecords: refused, createTopics: refused },
      ...{
        topicConfig: refused,
        brokerConfig: refused,
        joinGroup: refused,
        syncGroup: refused,
        heartbeat: refused,
        leaveGroup: refused,
      },
      refresh: () => undefined,
      close: async () => undefined,
    };
    const faulty = faultyWire(wire, injector);
    const produce = (partition = 3) =>
      faulty.produce({
        topic: 'weir.flow.state',
        partition,
        records: [{ key: 'k', value: null }],
        timestampMs: clock.now(),
      });
    return { clock, injector, acts, produced, produce, faulty };
  }

  it('TK3 lost-ack: the request takes effect, and the answer does not come', async () => {
    const { injector, produce, produced } = broker();
    injector.inject({ type: 'lost-ack', on: 'shard flow.state/3' });
    await expect(produce()).rejects.toBeInstanceOf(WireFailure);
    expect(await produce(4)).toEqual({ error: 0, baseOffset: 1 });
    expect(produced).toEqual([3, 4]);
  });

  it('TK3 partition: nothing arrives, whatever is asked', async () => {
    const { injector, produce, produced, faulty } = broker();
    injector.inject({ type: 'partition', on: 'log' });
    await expect(produce()).rejects.toBeInstanceOf(WireFailure);
    await expect(faulty.topics()).rejects.toBeInstanceOf(WireFailure);
    expect(produced).toEqual([]);
    injector.clear();
    expect(await faulty.topics()).toEqual([]);
  });

  it('TK3 duplicate: the request arrives twice, and is answered as the first', async () => {
    const { injector, produce, produced } = broker();
    injector.inject({ type: 'duplicate', on: 'log', times: 1 });
    expect(await produce()).toEqual({ error: 0, baseOffset: 0 });
    expect(produced).toEqual([3, 3]);
  });

  it('TK3 slow and full-disk', async () => {
    const { clock, injector, produce, produced } = broker();
    injector.inject({ type: 'slow', by: '1 s' });
    injector.inject({ type: 'full-disk', for: '500 ms' });
    const refused = produce();
    await clock.advance('999 ms');
    const later = produce();
    expect(produced).toEqual([]);
    await clock.advance('1 s');
    expect([await refused, await later]).toEqual([
      { error: 56, baseOffset: -1 },
      { error: 0, baseOffset: 0 },
    ]);
  });

  it.each([
    ['before', []],
    ['after', [3]],
  ] as const)('TK3 crash %s the write takes effect', async (when, expected) => {
    const { clock, injector, acts, produce, produced } = broker();
    injector.inject({ type: 'crash', on: 'log', when });
    let settled = false;
    void produce().finally(() => {
      settled = true;
    });
    await clock.advance(0);
    expect({ acts, produced, settled }).toEqual({ acts: ['crash'], produced: expected, settled: false });
  });
});

import { describe, expect, it } from 'vitest';
import type { ModelEvent } from '../../../../../src/transport/log/kafka/model/index.ts';
import { WireFailure } from '../../../../../src/transport/log/kafka/wire.ts';
import { fetch, hourMs, produce, rig, texts } from './rig.ts';

describe('model of a broker: the way to it', () => {
  it.each([
    ['TK3 a lost request has no effect', 'lost', [], 'fails'],
    ['TK3 a lost answer has effect', 'lost-answer', ['a'], 'fails'],
    ['TK3 a duplicate has effect twice where nothing tells it apart', 'twice', ['a', 'a'], 'answered'],
    ['TK3 a request that is refused has no effect', { refuse: 19 }, [], 'refused'],
    ['TK3 an error after the append hides that it took effect', { refuseAfter: 7 }, ['a'], 'refused'],
    ['TK3 a crash before the request leaves has no effect', 'crash-before', [], 'nothing'],
    ['TK3 a crash before the answer is heard has effect', 'crash-after', ['a'], 'nothing'],
  ] as const)('%s', async (_name, fate, log, heard) => {
    const { broker, clock } = await rig({
      faults: { request: ({ client, api }) => (client === 'two' && api === 'produce' ? fate : 'ok') },
    });
    let outcome = 'nothing';
    produce(broker.connect('two'), ['a']).then(
      ({ error }) => {
        outcome = error === 0 ? 'answered' : 'refused';
      },
      () => {
        outcome = 'fails';
      },
    );
    await clock.advance(30_000);
    expect(outcome).toBe(heard);
    expect(await texts(broker.connect('three'))).toEqual(log);
  });

  it('TK3 a late produce of an old epoch counts before the fence and is refused after it', async () => {
    for (const fenceAtMs of [40_000, 60_000]) {
      const delayed = { delayMs: 50_000 };
      const { broker, clock, wire } = await rig({
        faults: { request: ({ client, api }) => (client === 'old' && api === 'produce' ? delayed : 'ok') },
      });
      const failed = expect(produce(broker.connect('old'), ['old'], { epoch: 0, sequence: 0 })).rejects.toThrow(
        WireFailure,
      );
      await clock.advance(fenceAtMs);
      await produce(wire, ['new'], { epoch: 1, sequence: 0 });
      await clock.advance(20_000);
      await failed;
      expect(await texts(wire)).toEqual(fenceAtMs < 50_000 ? ['new'] : ['old', 'new']);
    }
  });

  it('TK3 a crashed client has no effect any more, but for what is on its way when that is asked for', async () => {
    for (const inFlight of ['lost', 'arrives'] as const) {
      const { broker, clock } = await rig({ latencyMs: { min: 5, max: 5 } });
      const client = broker.connect('two');
      void produce(client, ['a']);
      broker.crash('two', { inFlight });
      void produce(client, ['b']);
      await clock.advance(60_000);
      const log = broker.log('state', 0)?.batches.length;
      expect(log).toBe(inFlight === 'lost' ? 0 : 1);
    }
  });

  it('TK3 a restarted client is another one', async () => {
    const { broker } = await rig();
    const crashed: string[] = [];
    broker.onCrash((client) => crashed.push(client));
    broker.connect('two');
    broker.crash('two');
    expect(await produce(broker.connect('two'), ['a'])).toEqual({ error: 0, baseOffset: 0 });
    expect(crashed).toEqual(['two']);
  });

  it('TK3 a parted client hears failures; what it sent arrives late or never', async () => {
    for (const late of [false, true]) {
      const { broker, clock } = await rig();
      const client = broker.connect('two');
      broker.cut('two', { late });
      const failed = expect(produce(client, ['a'])).rejects.toThrow(WireFailure);
      await clock.advance(30_000);
      await failed;
      broker.heal('two');
      await clock.advance(0);
      expect(await texts(client)).toEqual(late ? ['a'] : []);
    }
  });

  it('TK3 a frozen client acts and hears after it is thawed', async () => {
    const { broker, clock } = await rig();
    const client = broker.connect('two');
    broker.freeze('two');
    const answer = produce(client, ['a']);
    await clock.advance(hourMs);
    expect(broker.log('state', 0)?.highWatermark).toBe(0);
    broker.thaw('two');
    expect(await answer).toEqual({ error: 0, baseOffset: 0 });
  });

  it('TK3 brokers that are down answer nobody, slow ones late', async () => {
    const { wire, broker, clock } = await rig();
    const waiting = expect(fetch(wire, 0, 10_000)).rejects.toThrow(WireFailure);
    await clock.advance(1);
    broker.down();
    await waiting;
    await expect(produce(wire, ['a'])).rejects.toThrow(WireFailure);
    broker.up();
    broker.slow(2_000);
    const slow = produce(wire, ['b']);
    await clock.advance(1_999);
    expect(broker.log('state', 0)?.highWatermark).toBe(1);
    let heard = false;
    void slow.then(() => {
      heard = true;
    });
    await clock.advance(0);
    expect(heard).toBe(false);
    await clock.advance(1);
    expect(await slow).toEqual({ error: 0, baseOffset: 0 });
  });

  it('a closed client fails what it waits for and whatever is asked of it', async () => {
    const { wire, clock } = await rig();
    const waiting = expect(fetch(wire, 0, 10_000)).rejects.toThrow(WireFailure);
    await clock.advance(1);
    await wire.close();
    await waiting;
    await expect(wire.topics()).rejects.toThrow(WireFailure);
  });

  it('TK4 the same seed gives the same trace', async () => {
    const trace = async () => {
      const events: ModelEvent[] = [];
      const { clock, broker } = await rig({
        observe: (event) => events.push(event),
        latencyMs: { min: 0, max: 20 },
      });
      const clients = ['a', 'b', 'c'].map((id) => broker.connect(id));
      for (const [at, client] of clients.entries()) void produce(client, [`x${at}`]);
      await clock.advance(100);
      return events;
    };
    const first = await trace();
    expect(first.map(({ type }) => type)).toEqual(['produced', 'produced', 'produced']);
    expect(await trace()).toEqual(first);
  });
});

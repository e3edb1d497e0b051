import { describe, expect, it } from 'vitest';
import { gate, recorder, restartAtOnce, testSystem } from './support.ts';

type Told = { readonly type: 'pay'; readonly card: string } | { readonly type: 'crash' } | { readonly type: 'wait' };

describe('trace of one actor', () => {
  it('AK13 shows kinds, waits, times and outcomes, and no contents', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const ref = system.spawn<Told>('one', () => ({
      message: ({ type }) => (type === 'wait' ? held.opened : undefined),
    }));
    await settle();
    const trace = system.trace('/one');
    ref.tell({ type: 'wait' });
    await settle();
    ref.tell({ type: 'pay', card: '4111' });
    await clock.advance(25);
    expect(trace?.entries()).toMatchObject([{ kind: 'wait', outcome: 'running', tookMs: undefined }]);
    held.open();
    await settle();
    expect(trace?.entries()).toEqual([
      { at: clock.now() - 25, uid: ref.uid, kind: 'wait', waitMs: 0, tookMs: 25, waiting: 0, outcome: 'handled' },
      { at: clock.now(), uid: ref.uid, kind: 'pay', waitMs: 25, tookMs: 0, waiting: 0, outcome: 'handled' },
    ]);
    expect(JSON.stringify(trace?.entries())).not.toContain('4111');
  });

  it('AK13 goes on over a restart, and shows what failed', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<Told>(
      'one',
      () => ({
        message({ type }) {
          if (type === 'crash') throw new Error('boom');
          if (type === 'wait') return Promise.reject(new Error('late boom'));
          return undefined;
        },
      }),
      restartAtOnce,
    );
    await settle();
    const first = ref.uid;
    const trace = system.trace('/one');
    for (const type of ['crash', 'wait'] as const) ref.tell({ type });
    ref.tell({ type: 'pay', card: '' });
    await settle();
    const entries = trace?.entries() ?? [];
    expect(entries.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'crash failed',
      'wait failed',
      'pay handled',
    ]);
    expect(entries[0]?.uid).toBe(first);
    expect(new Set(entries.map(({ uid }) => uid)).size).toBe(3);
    expect(system.tree()[0]?.restarts).toBe(2);
  });

  it('AK13 is sampled and bounded', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<number>('one', () => ({ message: () => undefined }));
    await settle();
    const trace = system.trace('/one', { keep: 5, every: 10 });
    for (let n = 0; n < 200; n += 1) ref.tell(n);
    await settle();
    expect(trace?.seen).toBe(200);
    expect(trace?.entries()).toHaveLength(5);
  });

  it('AK13 several traces do not disturb each other, nor the actor', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received));
    await settle();
    const first = system.trace('/one');
    const second = system.trace('/one');
    ref.tell('a');
    await settle();
    first?.stop();
    ref.tell('b');
    await settle();
    second?.stop();
    second?.stop();
    ref.tell('c');
    await settle();
    expect(received).toEqual(['a', 'b', 'c']);
    expect([first?.seen, second?.seen]).toEqual([1, 2]);
  });

  it('AK13 shows signals, and what a behaviour does at its end still runs', async () => {
    const { system, settle } = testSystem();
    const ended: string[] = [];
    const watched = system.spawn<never>('watched', () => ({ message: () => undefined }));
    const ref = system.spawn<never>('watcher', ({ watch }) => {
      watch(watched);
      return { message: () => undefined, signal: () => undefined, ended: () => void ended.push('watcher') };
    });
    await settle();
    const trace = system.trace('/watcher');
    await system.stop(watched);
    await settle();
    expect(trace?.entries()).toMatchObject([{ kind: 'signal terminated', outcome: 'handled' }]);
    await system.stop(ref);
    expect(ended).toEqual(['watcher']);
  });

  it('AK13 there is none of an actor that is not there', () => {
    const { system } = testSystem();
    expect(system.trace('/none')).toBeUndefined();
  });
});

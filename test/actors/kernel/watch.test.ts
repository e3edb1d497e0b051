import { describe, expect, it } from 'vitest';
import type { Behavior, Cause, Ref } from '../../../src/actors/kernel/index.ts';
import { restartAtOnce, testSystem } from './support.ts';

const mortal: Behavior<'crash' | 'finish'> = ({ finish }) => ({
  message(message) {
    if (message === 'finish') finish();
    else throw new Error('boom');
  },
});

/** Watches what it is told, and keeps the causes. */
function watcher(causes: Cause[]): Behavior<Ref<never>> {
  return ({ watch }) => ({
    message: (ref) => watch(ref),
    signal: ({ cause }) => void causes.push(cause),
  });
}

describe('death watch', () => {
  it('AK7 delivers the cause of a failure, of a stop and of an end', async () => {
    const { system, settle } = testSystem();
    const causes: Cause[] = [];
    const observer = system.spawn('observer', watcher(causes));
    const [failed, stopped, finished] = ['a', 'b', 'c'].map((name) => system.spawn(name, mortal));
    for (const ref of [failed, stopped, finished]) if (ref) observer.tell(ref);
    await settle();
    failed?.tell('crash');
    await settle();
    if (stopped) await system.stop(stopped);
    finished?.tell('finish');
    await settle();
    expect(causes).toEqual([
      { type: 'failed', error: expect.objectContaining({ message: 'boom' }) },
      { type: 'stopped' },
      { type: 'finished' },
    ]);
  });

  it('AK7 delivers the cause also for an actor that is dead already, each time it is asked', async () => {
    const { system, settle } = testSystem();
    const causes: Cause[] = [];
    const ref = system.spawn('dead', mortal);
    ref.tell('crash');
    await settle();
    const observer = system.spawn('observer', watcher(causes));
    observer.tell(ref);
    observer.tell(ref);
    await settle();
    expect(causes.map(({ type, error }) => `${type}: ${error?.message}`)).toEqual(['failed: boom', 'failed: boom']);
  });

  it('AK7 tells once, however often it was watched, and not after unwatch', async () => {
    const { system, settle } = testSystem();
    const heard: string[] = [];
    const twice = system.spawn('twice', mortal);
    const never = system.spawn('never', mortal);
    system.spawn<never>('observer', ({ watch, unwatch }) => {
      watch(twice);
      watch(twice);
      watch(never);
      unwatch(never);
      return { message: () => undefined, signal: ({ ref }) => void heard.push(ref.path) };
    });
    await settle();
    await system.stop(twice);
    await system.stop(never);
    await settle();
    expect(heard).toEqual(['/twice']);
  });

  it('AK7 a restart is not an end of the actor, but of the incarnation', async () => {
    const { system, settle } = testSystem();
    const heard: string[] = [];
    const selves: Ref<'crash'>[] = [];
    const ref = system.spawn<'crash'>(
      'restarting',
      ({ self }) => {
        selves.push(self);
        return { message: () => Promise.reject(new Error('boom')) };
      },
      restartAtOnce,
    );
    await settle();
    system.spawn<never>('observer', ({ watch }) => {
      watch(ref);
      for (const self of selves) watch(self);
      return {
        message: () => undefined,
        signal: (signal) => void heard.push(signal.ref === ref ? 'actor' : 'incarnation'),
      };
    });
    await settle();
    ref.tell('crash');
    await settle();
    expect(heard).toEqual(['incarnation']);
    await system.stop(ref);
    await settle();
    expect(heard).toEqual(['incarnation', 'actor']);
  });

  it('AK7 refuses to watch what is not an actor', async () => {
    const { system, settle } = testSystem();
    const forged: Ref<never> = { path: '/forged', uid: 1, tell: () => 'accepted' };
    const ref = system.spawn<never>('observer', ({ watch }) => {
      watch(forged);
      return { message: () => undefined };
    });
    await settle();
    expect((await system.terminated(ref)).error).toMatchObject({ code: 'WEIR_NOT_AN_ACTOR' });
  });
});

describe('dead letters', () => {
  it('AK8 are counted and told, with their reason', async () => {
    const { system, settle } = testSystem();
    const letters: string[] = [];
    system.onDeadLetter(({ path, reason, message }) => letters.push(`${path} ${reason} ${String(message)}`));
    const ref = system.spawn<string>('gone', () => ({ message: () => undefined }), { capacity: 1 });
    ref.tell('queued');
    ref.tell('beyond');
    await system.stop(ref);
    ref.tell('nobody');
    await settle();
    expect(letters).toEqual(['/gone full beyond', '/gone stopped queued', '/gone dead nobody']);
    expect(system.counts()).toEqual({ accepted: 2, handled: 0, deadLettered: 2, queued: 0, refused: 1, timedOut: 0 });
  });

  it('AK8 are limited in the log, which says later how many it left out', async () => {
    const { clock, system, settle, lines } = testSystem();
    const ref = system.spawn<number>('gone', () => ({ message: () => undefined }));
    await system.stop(ref);
    for (let n = 0; n < 500; n += 1) ref.tell(n);
    await settle();
    const logged = (message: string): number => lines.filter((line) => line.message === message).length;
    expect(logged('dead letter')).toBe(10);
    await clock.advance('1 min');
    ref.tell(0);
    expect(logged('dead letter')).toBe(11);
    expect(lines.find(({ fields }) => fields.suppressed !== undefined)?.fields.suppressed).toBe(490);
  });

  it('AK8 never show the contents of a message in the log', async () => {
    const { system, lines } = testSystem();
    const ref = system.spawn<{ type: 'login'; password: string }>('gone', () => ({ message: () => undefined }));
    await system.stop(ref);
    ref.tell({ type: 'login', password: 'hunter2' });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(JSON.stringify(lines)).toContain('login');
  });

  it('AK8 a listener that causes a dead letter itself is not told of that one', async () => {
    const { system } = testSystem();
    const ref = system.spawn<number>('gone', () => ({ message: () => undefined }));
    await system.stop(ref);
    let told = 0;
    system.onDeadLetter(() => {
      told += 1;
      ref.tell(told);
    });
    ref.tell(0);
    ref.tell(0);
    expect([told, system.counts().deadLettered]).toEqual([2, 4]);
  });

  it('AK8 a listener that fails does not reach the sender', async () => {
    const { system } = testSystem();
    system.onDeadLetter(() => {
      throw new Error('mine');
    });
    const ref = system.spawn<number>('gone', () => ({ message: () => undefined }));
    await system.stop(ref);
    expect(ref.tell(1)).toBe('dead');
  });
});

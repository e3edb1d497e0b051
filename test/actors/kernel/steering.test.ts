import { describe, expect, it } from 'vitest';
import type { Cause, Failure } from '../../../src/actors/kernel/index.ts';
import { gate, recorder, restartAtOnce, testSystem, turnTeller } from './support.ts';

const boom = new Error('boom');

describe('steering', () => {
  it('AK13 a suspended actor keeps its messages, and handles them in order when it is resumed', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received));
    await settle();
    expect(system.steer.suspend('/one')).toBe('done');
    ref.tell('a');
    ref.tell('b');
    await settle();
    expect(received).toEqual([]);
    expect(system.tree()[0]).toMatchObject({ state: 'suspended', mailbox: 2 });
    expect(system.steer.resume('/one')).toBe('done');
    await settle();
    expect(received).toEqual(['a', 'b']);
    ref.tell('c');
    await settle();
    expect(received).toEqual(['a', 'b', 'c']);
  });

  it('AK13 suspended during a turn, an actor ends that turn and begins no other', async () => {
    const { system, settle } = testSystem();
    const first = gate();
    const events: string[] = [];
    const ref = system.spawn('one', turnTeller(events, first));
    ref.tell('a');
    ref.tell('b');
    await settle();
    system.steer.suspend('/one');
    first.open();
    await settle();
    expect(events).toEqual(['a begins', 'a ends']);
    system.steer.resume('/one');
    await settle();
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('AK13 resumed while its turn still runs, an actor does one thing at a time', async () => {
    const { system, settle } = testSystem();
    const first = gate();
    const events: string[] = [];
    const ref = system.spawn('one', turnTeller(events, first));
    ref.tell('a');
    ref.tell('b');
    await settle();
    system.steer.suspend('/one');
    system.steer.resume('/one');
    await settle();
    expect(events).toEqual(['a begins']);
    first.open();
    await settle();
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('AK13 death watch is told to a suspended actor when it is resumed', async () => {
    const { system, settle } = testSystem();
    const told: string[] = [];
    const watched = system.spawn<never>('watched', () => ({ message: () => undefined }));
    system.spawn<never>('watcher', ({ watch }) => {
      watch(watched);
      return { message: () => undefined, signal: ({ ref }) => void told.push(ref.path) };
    });
    await settle();
    system.steer.suspend('/watcher');
    await system.stop(watched);
    await settle();
    expect(told).toEqual([]);
    system.steer.resume('/watcher');
    await settle();
    expect(told).toEqual(['/watched']);
  });

  it('AK13 a restart from outside asks the failure policy, keeps the mailbox and leaves no state behind', async () => {
    const { system, settle } = testSystem();
    const failures: string[] = [];
    const sums: number[] = [];
    const ref = system.spawn<number>(
      'sum',
      () => {
        let sum = 0;
        return {
          message(n) {
            sum += n;
            sums.push(sum);
          },
        };
      },
      {
        onFailure: ({ during, error }: Failure) => {
          failures.push(`${during}: ${error.message}`);
          return { type: 'restart', delayMs: 0 };
        },
      },
    );
    ref.tell(1);
    await settle();
    expect(system.steer.restart('/sum')).toBe('done');
    ref.tell(2);
    await settle();
    expect(sums).toEqual([1, 2]);
    expect(failures).toEqual(['restart: a restart of /sum was asked for from outside']);
    expect(system.tree()[0]).toMatchObject({ state: 'live', restarts: 1 });
  });

  it('AK13 without a policy a restart from outside is one, though a failure would end the actor', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<never>('plain', () => ({ message: () => undefined }));
    await settle();
    const { uid } = ref;
    system.steer.restart('/plain');
    await settle();
    expect(system.tree()[0]).toMatchObject({ state: 'live', restarts: 1 });
    expect(ref.uid).not.toBe(uid);
  });

  it('AK13 a restart waits for the running turn, and gives it up after the stop deadline', async () => {
    const { clock, system, settle } = testSystem();
    const late = gate();
    const received: string[] = [];
    const ref = system.spawn<string>(
      'held',
      () => ({
        message(message) {
          if (message === 'hold') return late.opened.then(() => void received.push('late'));
          received.push(message);
          return undefined;
        },
      }),
      { shutdownMs: 1_000 },
    );
    ref.tell('hold');
    await settle();
    system.steer.restart('/held');
    ref.tell('next');
    await clock.advance(999);
    expect(received).toEqual([]);
    await clock.advance(1);
    expect(received).toEqual(['next']);
    expect(system.tree()[0]).toMatchObject({ restarts: 1, turnMs: 0 });
  });

  it('AK13 a suspended actor can be restarted, and runs afterwards', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), restartAtOnce);
    await settle();
    system.steer.suspend('/one');
    ref.tell('kept');
    expect(system.steer.restart('/one')).toBe('done');
    await settle();
    expect(received).toEqual(['kept']);
  });

  it('AK13 stop by path ends the actor and what is below it', async () => {
    const { system, settle } = testSystem();
    const ended: string[] = [];
    system.spawn<never>('parent', (context) => {
      context.spawn<never>('child', () => ({ message: () => undefined, ended: () => void ended.push('child') }));
      return { message: () => undefined, ended: () => void ended.push('parent') };
    });
    await settle();
    expect(await system.steer.stop('/parent')).toBe('done');
    expect(ended).toEqual(['child', 'parent']);
    expect(system.tree()).toEqual([]);
  });

  it('AK13 names the actor by its whole path, and says when there is none', async () => {
    const { system, settle } = testSystem();
    system.spawn<never>('parent', (context) => {
      context.spawn<never>('child', () => ({ message: () => undefined }));
      return { message: () => undefined };
    });
    await settle();
    const { steer } = system;
    expect(steer.suspend('/parent/child')).toBe('done');
    for (const path of ['', '/', 'parent', '/child', '/parent/child/none', '/none']) {
      expect([path, steer.suspend(path)]).toEqual([path, 'no-such-actor']);
      expect([path, await steer.stop(path)]).toEqual([path, 'no-such-actor']);
    }
  });

  it('AK13 an actor between two incarnations is not steered', async () => {
    const { clock, system, settle } = testSystem();
    system.spawn<never>('slow', () => ({ message: () => undefined }), {
      onFailure: () => ({ type: 'restart', delayMs: 100 }),
    });
    await settle();
    system.steer.crash('/slow', boom);
    await settle();
    expect(system.steer.suspend('/slow')).toBe('not-allowed');
    expect(system.steer.resume('/slow')).toBe('not-allowed');
    expect(system.steer.crash('/slow', boom)).toBe('not-allowed');
    expect(system.steer.restart('/slow')).toBe('not-allowed');
    expect(system.steer.hang('/slow', 5)).toBe('not-allowed');
    await clock.advance(100);
    expect(system.steer.suspend('/slow')).toBe('done');
    expect(clock.pending()).toBe(0);
  });
});

describe('failures from outside', () => {
  it('TK3 a crash is handled by the supervisor as any failure, and no message is lost', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const failures: Failure[] = [];
    const ref = system.spawn('one', recorder(received), {
      onFailure: (failure) => {
        failures.push(failure);
        return { type: 'restart', delayMs: 0 };
      },
    });
    await settle();
    expect(system.steer.crash('/one', boom)).toBe('done');
    ref.tell('a');
    await settle();
    expect(failures).toMatchObject([{ error: boom, during: 'message' }]);
    expect(received).toEqual(['a']);
  });

  it('TK3 without a policy a crash ends the actor, and death watch carries the cause', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<never>('one', () => ({ message: () => undefined }));
    await settle();
    const ended: Promise<Cause> = system.terminated(ref);
    system.steer.crash('/one', boom);
    expect(await ended).toEqual({ type: 'failed', error: boom });
  });

  it('TK3 a hung actor goes on after the stated time', async () => {
    const { clock, system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received));
    await settle();
    expect(system.steer.hang('/one', 500)).toBe('done');
    ref.tell('a');
    await clock.advance(499);
    expect(received).toEqual([]);
    expect(system.tree()[0]).toMatchObject({ turnMs: 499, mailbox: 1 });
    await clock.advance(1);
    expect(received).toEqual(['a']);
  });

  it('TK3 a hang is seen by the turn deadline, and the next incarnation has the mailbox', async () => {
    const { clock, system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), { ...restartAtOnce, turnDeadlineMs: 200 });
    await settle();
    system.steer.hang('/one');
    ref.tell('a');
    await clock.advance(200);
    expect(received).toEqual(['a']);
    expect(system.tree()[0]?.lastFailure).toContain('took longer than 200 ms');
  });

  it('TK3 release ends a hang without end', async () => {
    const { clock, system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received));
    await settle();
    system.steer.hang('/one');
    ref.tell('a');
    await clock.advance(3_600_000);
    expect(received).toEqual([]);
    expect(system.steer.release('/one')).toBe('done');
    await settle();
    expect(received).toEqual(['a']);
  });

  it('TK3 a filled mailbox refuses until it is released, also after a restart, and what was in it is handled', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), restartAtOnce);
    await settle();
    ref.tell('before');
    expect(system.steer.fill('/one')).toBe('done');
    expect(ref.tell('refused')).toBe('full');
    system.steer.restart('/one');
    await settle();
    expect(ref.tell('refused')).toBe('full');
    expect(system.counts().refused).toBe(2);
    system.steer.release('/one');
    expect(ref.tell('after')).toBe('accepted');
    await settle();
    expect(received).toEqual(['before', 'after']);
  });

  it('TK3 the system can be terminated whatever was done to its actors', async () => {
    const { clock, system, settle } = testSystem();
    for (const name of ['suspended', 'hung', 'full']) system.spawn<never>(name, () => ({ message: () => undefined }));
    await settle();
    system.steer.suspend('/suspended');
    system.steer.hang('/hung');
    system.steer.fill('/full');
    await settle();
    const gone = system.terminate();
    await clock.advance(5_000);
    await gone;
    expect(system.tree()).toEqual([]);
  });
});

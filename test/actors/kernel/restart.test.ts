import { describe, expect, it } from 'vitest';
import type { ActorContext, Ref } from '../../../src/actors/kernel/index.ts';
import { gate, restartAtOnce, testSystem } from './support.ts';

type Message = 'crash' | 'hang' | string;

describe('restart', () => {
  it('AK4 keeps the queue and gives a new uid, under the same reference', async () => {
    const { clock, system, settle } = testSystem();
    const handled: string[] = [];
    const ref = system.spawn<Message>(
      'worker',
      ({ self }) => ({
        message(message) {
          if (message === 'crash') throw new Error('boom');
          handled.push(`${message} in ${self.uid}`);
        },
      }),
      { onFailure: () => ({ type: 'restart', delayMs: 1_000 }) },
    );
    const first = ref.uid;
    for (const message of ['a', 'crash', 'b']) ref.tell(message);
    await settle();
    expect(system.tree()[0]).toMatchObject({ state: 'restarting', restarts: 1, lastFailure: 'boom', mailbox: 1 });
    expect(ref.tell('c')).toBe('accepted');
    await clock.advance(1_000);
    expect(ref.uid).not.toBe(first);
    expect(handled).toEqual([`a in ${first}`, `b in ${ref.uid}`, `c in ${ref.uid}`]);
  });

  it('AK4 cancels timers, aborts the signal, stops children and runs the hook before the new incarnation starts', async () => {
    const { clock, system, settle } = testSystem();
    const events: string[] = [];
    let starts = 0;
    const ref = system.spawn<Message>(
      'worker',
      (context) => {
        starts += 1;
        events.push(`start ${starts}`);
        context.spawn<never>('child', () => ({ message: () => undefined, ended: () => void events.push('child') }));
        if (starts === 1) {
          context.startTimer('t', 'tick', 100);
          context.receiveTimeout(150, 'idle');
          context.signal.addEventListener('abort', () => events.push('aborted'));
        } else context.startTimer('of the second', 'far away', 10_000);
        return {
          message(message) {
            if (message === 'crash') throw new Error('boom');
            events.push(message);
          },
          ended: ({ type }) => void events.push(`ended: ${type}`),
        };
      },
      restartAtOnce,
    );
    await settle();
    ref.tell('crash');
    await settle();
    await clock.advance(1_000);
    expect(events).toEqual(['start 1', 'aborted', 'child', 'ended: failed', 'start 2']);
  });

  it('AK4 a turn beyond its deadline is abandoned, and its late result is ignored', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const events: string[] = [];
    const failures: string[] = [];
    const ref = system.spawn<Message>(
      'worker',
      (context) => ({
        async message(message) {
          if (message !== 'hang') return void events.push(message);
          await held.opened;
          events.push(context.self.tell('late'));
          context.startTimer('late', 'late timer', 0);
          context.finish();
          throw new Error('late failure');
        },
      }),
      {
        turnDeadlineMs: 500,
        onFailure: ({ during, error }) => {
          failures.push(`${during}: ${error.message}`);
          return { type: 'restart', delayMs: 0 };
        },
      },
    );
    ref.tell('hang');
    ref.tell('next');
    await clock.advance(500);
    expect(events).toEqual(['next']);
    held.open();
    await settle();
    await clock.advance(10);
    expect(events).toEqual(['next', 'dead']);
    expect(failures).toEqual(['turn-deadline: a turn of /worker took longer than 500 ms and was abandoned']);
    expect(system.tree()[0]).toMatchObject({ state: 'live', restarts: 1 });
  });

  it('AK4 a late failure does not end the wait of the newer incarnation', async () => {
    const { clock, system, settle } = testSystem();
    const old = gate();
    const events: string[] = [];
    const ref = system.spawn<Message>(
      'worker',
      () => ({
        async message(message) {
          events.push(message);
          if (message === 'hang') await old.opened;
          if (message === 'wait') await new Promise((resolve) => void clock.after(400, () => resolve(undefined)));
          events.push(`${message} ends`);
        },
      }),
      { turnDeadlineMs: 500, ...restartAtOnce },
    );
    for (const message of ['hang', 'wait', 'next']) ref.tell(message);
    await clock.advance(500);
    old.fail(new Error('late'));
    await settle();
    expect(events).toEqual(['hang', 'wait']);
    await clock.advance(400);
    expect(events).toEqual(['hang', 'wait', 'wait ends', 'next', 'next ends']);
    expect(system.tree()[0]).toMatchObject({ restarts: 1 });
  });

  it('AK4 what was told to an older incarnation alone, and still waited when that ended, does not reach the newer one', async () => {
    const { system, settle } = testSystem();
    const letters: string[] = [];
    system.onDeadLetter(({ reason, message }) => letters.push(`${reason}: ${message}`));
    const handled: string[] = [];
    const ref = system.spawn<string>(
      'worker',
      ({ self, address }) => ({
        message(message) {
          if (message !== 'crash') {
            handled.push(message);
            return;
          }
          self.tell('an answer to it');
          address.tell('for whoever works');
          self.tell('another answer to it');
          throw new Error('boom');
        },
      }),
      restartAtOnce,
    );
    ref.tell('crash');
    ref.tell('work');
    await settle();
    expect(handled).toEqual(['work', 'for whoever works']);
    expect(letters).toEqual(['stale: an answer to it', 'stale: another answer to it']);
    const { accepted, handled: done, deadLettered, queued } = system.counts();
    expect(done + deadLettered + queued).toBe(accepted);
  });

  it('AK4 an address that an older incarnation gave away does not reach the newer one', async () => {
    const { system, settle } = testSystem();
    const letters: string[] = [];
    system.onDeadLetter(({ reason }) => letters.push(reason));
    const selves: Ref<Message>[] = [];
    const handled: string[] = [];
    const ref = system.spawn<Message>(
      'worker',
      ({ self }) => {
        selves.push(self);
        return {
          message(message) {
            if (message === 'crash') throw new Error('boom');
            handled.push(message);
          },
        };
      },
      restartAtOnce,
    );
    await settle();
    ref.tell('crash');
    await settle();
    expect(selves.map((self) => self.tell('an answer'))).toEqual(['dead', 'accepted']);
    await settle();
    expect([handled, letters]).toEqual([['an answer'], ['stale']]);
  });

  it('AK4 stashed messages survive a restart in their order', async () => {
    const { system, settle } = testSystem();
    const handled: string[] = [];
    let starts = 0;
    const ref = system.spawn<Message>(
      'worker',
      ({ stash }) => {
        starts += 1;
        const keeps = starts === 1;
        return {
          message(message) {
            if (message === 'crash') throw new Error('boom');
            if (keeps) stash(message);
            else handled.push(message);
          },
        };
      },
      restartAtOnce,
    );
    for (const message of ['a', 'b', 'crash', 'c']) ref.tell(message);
    await settle();
    expect(handled).toEqual(['a', 'b', 'c']);
  });

  it('AK4 a failing start is retried, and the queue waits for it', async () => {
    const { clock, system, settle } = testSystem();
    const handled: string[] = [];
    let starts = 0;
    const ref = system.spawn<Message>(
      'worker',
      async () => {
        starts += 1;
        if (starts < 3) throw new Error('not yet');
        return { message: (message) => void handled.push(message) };
      },
      { onFailure: ({ during }) => ({ type: 'restart', delayMs: during === 'start' ? 10 : 0 }) },
    );
    ref.tell('patient');
    await settle();
    await clock.advance(20);
    expect([starts, handled]).toEqual([3, ['patient']]);
  });

  it('AK4 a stop during the backoff ends the actor without another start', async () => {
    const { clock, system, settle } = testSystem();
    let starts = 0;
    const ref = system.spawn<Message>(
      'worker',
      () => {
        starts += 1;
        throw new Error('never');
      },
      { onFailure: () => ({ type: 'restart', delayMs: 1_000 }) },
    );
    await settle();
    await system.stop(ref);
    await clock.advance(2_000);
    expect([starts, clock.pending(), system.tree()]).toEqual([1, 0, []]);
  });

  it('AK4 the context of an incarnation that is over does nothing any more', async () => {
    const { system, settle } = testSystem();
    const contexts: ActorContext<Message>[] = [];
    const ref = system.spawn<Message>(
      'worker',
      (context) => {
        contexts.push(context);
        return { message: () => Promise.reject(new Error('boom')) };
      },
      restartAtOnce,
    );
    ref.tell('crash');
    await settle();
    const [old] = contexts;
    old?.finish();
    old?.fail(new Error('late'));
    expect(old?.stash('late')).toBe('dead');
    expect(() => old?.spawn<never>('late', () => ({ message: () => undefined }))).toThrow(/not running/);
    await expect(old?.ask(ref, () => 'late', { withinMs: 1 })).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' });
    await settle();
    expect(system.tree()[0]).toMatchObject({ state: 'live', restarts: 1 });
  });
});

describe('timers', () => {
  it('AK4 a timer of the same key is replaced, a cancelled one is never heard', async () => {
    const { clock, system, settle } = testSystem();
    const heard: string[] = [];
    system.spawn<Message>('timed', ({ startTimer, cancelTimer }) => {
      startTimer('replaced', 'old', 10);
      startTimer('replaced', 'new', 20);
      startTimer('cancelled', 'never', 10);
      cancelTimer('cancelled');
      return { message: (message) => void heard.push(message) };
    });
    await settle();
    await clock.advance(100);
    expect(heard).toEqual(['new']);
  });

  it('AK4 a timer cancelled after it fired, but before it was handled, is not heard', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const heard: string[] = [];
    const ref = system.spawn<Message>('timed', ({ startTimer, cancelTimer }) => {
      startTimer('t', 'tick', 10);
      return {
        async message(message) {
          heard.push(message);
          if (message !== 'hang') return;
          await held.opened;
          cancelTimer('t');
        },
      };
    });
    ref.tell('hang');
    await clock.advance(10);
    held.open();
    await settle();
    expect(heard).toEqual(['hang']);
    expect(system.counts()).toMatchObject({ accepted: 1, handled: 1, queued: 0 });
  });

  it('AK4 a timer is heard although the mailbox is full', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const heard: string[] = [];
    const ref = system.spawn<Message>(
      'timed',
      ({ startTimer }) => {
        startTimer('t', 'tick', 10);
        return {
          async message(message) {
            heard.push(message);
            if (message === 'hang') await held.opened;
          },
        };
      },
      { capacity: 1 },
    );
    ref.tell('hang');
    await settle();
    ref.tell('queued');
    await clock.advance(10);
    held.open();
    await settle();
    expect(heard).toEqual(['hang', 'queued', 'tick']);
  });

  it('AK4 the receive timeout comes when nothing else arrived, again and again until it is ended', async () => {
    const { clock, system, settle } = testSystem();
    const heard: string[] = [];
    const ref = system.spawn<Message>('idle', ({ receiveTimeout }) => {
      receiveTimeout(100, 'idle');
      return {
        message(message) {
          heard.push(`${message} at ${clock.monotonic()}`);
          if (heard.length === 4) receiveTimeout(undefined);
        },
      };
    });
    await settle();
    await clock.advance(60);
    ref.tell('work');
    await clock.advance(600);
    expect(heard).toEqual(['work at 60', 'idle at 160', 'idle at 260', 'idle at 360']);
    expect(clock.pending()).toBe(0);
  });
});

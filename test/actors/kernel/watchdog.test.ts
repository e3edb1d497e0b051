import { describe, expect, it } from 'vitest';
import { gate, recorder, restartAtOnce, testSystem } from './support.ts';

describe('watchdog of turns', () => {
  it('AK12 a hung turn is given up at its deadline, reported, and the next incarnation goes on', async () => {
    const { clock, system, lines, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), { ...restartAtOnce, turnDeadlineMs: 1_000 });
    await settle();
    system.steer.hang('/one');
    await clock.advance(999);
    expect(system.tree()[0]).toMatchObject({ restarts: 0, turnMs: 999 });
    ref.tell('kept');
    await clock.advance(1);
    expect(received).toEqual(['kept']);
    expect(lines).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ during: 'turn-deadline', actor: '/one' }) }),
    );
  });

  it('AK12 what an abandoned turn does when it settles after all has no effect on the next incarnation', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const handled: string[] = [];
    const ref = system.spawn<string>(
      'one',
      () => {
        let state = 'fresh';
        return {
          async message(message) {
            if (message === 'hang') {
              await held.opened;
              state = 'touched by the old turn';
              throw new Error('too late');
            }
            handled.push(`${message}: ${state}`);
          },
        };
      },
      { ...restartAtOnce, turnDeadlineMs: 1_000 },
    );
    ref.tell('hang');
    await clock.advance(1_000);
    ref.tell('a');
    await settle();
    held.open();
    await settle();
    ref.tell('b');
    await settle();
    expect(handled).toEqual(['a: fresh', 'b: fresh']);
    expect(system.tree()[0]).toMatchObject({ state: 'live', restarts: 1 });
  });
});

describe('watchdog of progress', () => {
  it('AK12 an actor that handles nothing while messages wait is restarted, with the cause', async () => {
    const { clock, system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), { ...restartAtOnce, progressWithinMs: 1_000 });
    await settle();
    system.steer.hang('/one');
    await clock.advance(600);
    ref.tell('a');
    ref.tell('b');
    await clock.advance(999);
    expect(received).toEqual([]);
    await clock.advance(1);
    expect(received).toEqual(['a', 'b']);
    expect(system.tree()[0]).toMatchObject({
      restarts: 1,
      lastFailure: '/one has handled nothing for 1000 ms, while 2 messages waited',
    });
  });

  it('AK12 a long turn that nobody waits for is let be', async () => {
    const { clock, system, settle } = testSystem();
    system.spawn<never>('one', () => ({ message: () => undefined }), { ...restartAtOnce, progressWithinMs: 1_000 });
    await settle();
    system.steer.hang('/one');
    await clock.advance(60_000);
    expect(system.tree()[0]).toMatchObject({ restarts: 0, turnMs: 60_000 });
  });

  it('AK12 a slow actor that gets on is let be, however long its queue', async () => {
    const { clock, system, settle } = testSystem();
    let handled = 0;
    const ref = system.spawn<'slow'>(
      'one',
      ({ clock: { after } }) => ({
        message: () =>
          new Promise<void>((done) => {
            after(900, () => {
              handled += 1;
              done();
            });
          }),
      }),
      { ...restartAtOnce, progressWithinMs: 1_000 },
    );
    await settle();
    for (let n = 0; n < 20; n += 1) ref.tell('slow');
    await clock.advance(20_000);
    expect([handled, system.tree()[0]?.restarts]).toEqual([20, 0]);
    expect(clock.pending()).toBe(0);
  });

  it('AK12 a suspended actor is let be', async () => {
    const { clock, system, settle } = testSystem();
    const received: string[] = [];
    const ref = system.spawn('one', recorder(received), { ...restartAtOnce, progressWithinMs: 1_000 });
    await settle();
    system.steer.hang('/one', 5_000);
    await settle();
    system.steer.suspend('/one');
    ref.tell('a');
    await clock.advance(10_000);
    expect(system.tree()[0]).toMatchObject({ state: 'suspended', restarts: 0, mailbox: 1 });
    system.steer.resume('/one');
    await settle();
    expect(received).toEqual(['a']);
  });

  it('AK12 without a policy a stalled actor ends, and death watch has the cause', async () => {
    const { clock, system, settle } = testSystem();
    const ref = system.spawn<string>('one', () => ({ message: () => undefined }), { progressWithinMs: 1_000 });
    await settle();
    system.steer.hang('/one');
    await settle();
    ref.tell('a');
    const ended = system.terminated(ref);
    await clock.advance(1_000);
    expect(await ended).toMatchObject({ type: 'failed', error: { code: 'WEIR_ACTOR_STALLED' } });
  });
});

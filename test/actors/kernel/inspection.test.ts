import { describe, expect, it } from 'vitest';
import type { Behavior, Ref } from '../../../src/actors/kernel/index.ts';
import { gate, testSystem } from './support.ts';

describe('live tree', () => {
  it('AK13 shows state, uid, restarts, mailbox depth and wait, turn age and facts', async () => {
    const { clock, system, settle } = testSystem();
    const held = gate();
    const ref = system.spawn<string>(
      'parent',
      (context) => {
        context.spawn<never>('child', () => ({ message: () => undefined }));
        return { message: () => held.opened };
      },
      { inspect: () => ({ answer: 42 }) },
    );
    ref.tell('held');
    await settle();
    await clock.advance(30);
    ref.tell('waiting');
    await clock.advance(12);
    expect(system.tree()).toEqual([
      {
        path: '/parent',
        uid: ref.uid,
        state: 'live',
        restarts: 0,
        mailbox: 1,
        waitMs: 12,
        turnMs: 42,
        facts: { answer: 42 },
        children: [expect.objectContaining({ path: '/parent/child', state: 'live', children: [] })],
      },
    ]);
    held.open();
  });

  it('AK13 looking at an actor cannot fail because of it', () => {
    const { system } = testSystem();
    system.spawn<never>('shy', () => ({ message: () => undefined }), {
      inspect() {
        throw new Error('do not look');
      },
    });
    expect(system.tree()[0]?.facts).toEqual({ inspection: 'do not look' });
  });
});

describe('fair turns', () => {
  it('AK10 at most so many cells run in one phase, and timers fire between phases', async () => {
    const { clock, system, settle } = testSystem({ turnsPerPhase: 4 });
    const events: string[] = [];
    const refs = Array.from({ length: 12 }, (_, n) =>
      system.spawn<'go'>(`cell-${n}`, () => ({ message: () => void events.push('turn') })),
    );
    await settle();
    for (const ref of refs) ref.tell('go');
    await new Promise<void>((resolve) => {
      const look = (): void => {
        events.push('others');
        if (events.filter((event) => event === 'turn').length === refs.length) resolve();
        else clock.soon(look);
      };
      clock.soon(look);
    });
    const runs = events
      .join(' ')
      .split('others')
      .map((run) => run.split('turn').length - 1);
    expect(Math.max(...runs)).toBeLessThanOrEqual(4);
  });

  it('AK10 5,000 actors that always have work of 70 us leave the loop to others at least each 25 ms', async () => {
    let now = 0;
    const { clock, system } = testSystem({ monotonic: () => now });
    let left = 5_000;
    for (let n = 0; n < 5_000; n += 1) {
      const busy: Behavior<'go'> = ({ self }) => {
        let messages = 0;
        return {
          message() {
            now += 0.07;
            messages += 1;
            if (messages < 20) self.tell('go');
            else left -= 1;
          },
        };
      };
      system.spawn(`busy-${n}`, busy).tell('go');
    }
    let longest = 0;
    await new Promise<void>((resolve) => {
      let before = now;
      // What a timer needs is a macrotask of its own: it is late by what the actors take between two of them.
      const other = (): void => {
        longest = Math.max(longest, now - before);
        before = now;
        if (left > 0) clock.soon(other);
        else resolve();
      };
      clock.soon(other);
    });
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThanOrEqual(25);
  });

  it('AK10 a conversation goes on within a phase, but for no more turns than the phase has', async () => {
    const { clock, system, settle } = testSystem({ turnsPerPhase: 4 });
    const events: string[] = [];
    interface Ball {
      readonly from: Ref<Ball>;
    }
    const player: Behavior<Ball> = ({ self }) => ({
      message({ from }) {
        events.push('turn');
        if (events.length < 40) from.tell({ from: self });
      },
    });
    const ping = system.spawn('ping', player);
    const pong = system.spawn('pong', player);
    await settle();
    const look = (): void => {
      events.push('others');
      if (events.length < 60) clock.soon(look);
    };
    clock.soon(look);
    ping.tell({ from: pong });
    await settle();
    const runs = events
      .join(' ')
      .split('others')
      .map((run) => run.split('turn').length - 1);
    expect(Math.max(...runs)).toBe(4);
  });

  it('AK10 when the slice is used up, the cells left get their turns in later phases', async () => {
    let now = 0;
    const { clock, system, settle } = testSystem({ sliceMs: 5, monotonic: () => now });
    const phases: number[] = [];
    let phase = 0;
    const refs = Array.from({ length: 6 }, (_, n) =>
      system.spawn<'go'>(`cell-${n}`, () => ({
        message() {
          now += 3;
          phases.push(phase);
        },
      })),
    );
    await settle();
    for (const ref of refs) ref.tell('go');
    const count = (): void => {
      phase += 1;
      if (phases.length < refs.length) clock.soon(count);
    };
    clock.soon(count);
    await settle();
    expect(phases).toHaveLength(6);
    for (const each of new Set(phases)) expect(phases.filter((at) => at === each).length).toBeLessThanOrEqual(2);
  });
});

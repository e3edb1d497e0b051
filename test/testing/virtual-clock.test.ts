import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../src/testing/index.ts';

describe('virtual clock', () => {
  it('fires timers in the order of their due times, then of their creation', async () => {
    const clock = virtualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('late'));
    clock.after(10, () => fired.push('early, first'));
    clock.after(10, () => fired.push('early, second'));
    await clock.advance(20);
    expect(fired).toEqual(['early, first', 'early, second', 'late']);
  });

  it('runs what is ready before a timer, and what the timer causes before the next one', async () => {
    const clock = virtualClock();
    const order: string[] = [];
    clock.after(1, () => clock.soon(() => clock.soon(() => order.push('caused by the first'))));
    clock.after(1, () => order.push('second'));
    clock.soon(() => order.push('ready'));
    await clock.advance('1 ms');
    expect(order).toEqual(['ready', 'caused by the first', 'second']);
  });

  it('shows a timer the moment it was due, and stands at the target afterwards', async () => {
    const clock = virtualClock({ start: 1_000 });
    let seen = 0;
    clock.after(30, () => {
      seen = clock.now();
    });
    await clock.advance('1 min');
    expect([seen, clock.now(), clock.monotonic()]).toEqual([1_030, 61_000, 60_000]);
  });

  it('fires a timer that a timer has set, if it is due within the same advance', async () => {
    const clock = virtualClock();
    const at: number[] = [];
    const tick = (): void => {
      at.push(clock.monotonic());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(35);
    expect(at).toEqual([10, 20, 30]);
  });

  it('shows whole milliseconds at timers that stand between two', async () => {
    const clock = virtualClock({ start: 1_000 });
    let seen = 0;
    clock.after(10.6, () => {
      seen = clock.now();
    });
    await clock.advance(20);
    expect([seen, clock.now()]).toEqual([1_010, 1_020]);
  });

  it('AK9 knows delays beyond 24.8 days', async () => {
    const clock = virtualClock();
    let fired = false;
    clock.after(30 * 86_400_000, () => {
      fired = true;
    });
    await clock.advance('29 days');
    expect(fired).toBe(false);
    await clock.advance('1 day');
    expect(fired).toBe(true);
  });

  it('forgets a cancelled timer', async () => {
    const clock = virtualClock();
    const timer = clock.after(1, () => expect.unreachable());
    timer.cancel();
    expect(clock.pending()).toBe(0);
    await clock.advance(10);
  });
});

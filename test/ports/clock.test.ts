import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/ports/index.ts';

const day = 86_400_000;

describe('system clock', () => {
  it('a timer fires once, not before its time', async () => {
    const clock = systemClock();
    const start = clock.monotonic();
    let fired = 0;
    await new Promise<void>((resolve) => {
      clock.after(30, () => {
        fired += 1;
        resolve();
      });
    });
    // Timers of the platform may be a millisecond early.
    expect(clock.monotonic() - start).toBeGreaterThanOrEqual(28);
    await wait(50);
    expect(fired).toBe(1);
  });

  it('AK9 a timer of 30 days does not fire at once', async () => {
    const clock = systemClock();
    let fired = false;
    const timers = [25, 30, 365].map((days) => clock.after(days * day, () => (fired = true)));
    await wait(50);
    expect(fired).toBe(false);
    for (const timer of timers) timer.cancel();
  });

  it('AK9 a cancelled timer does not fire, and cancelling it again does nothing', async () => {
    const clock = systemClock();
    let fired = false;
    const timer = clock.after(5, () => (fired = true));
    timer.cancel();
    await wait(30);
    timer.cancel();
    expect(fired).toBe(false);
  });

  it('a timer whose time has passed fires soon', async () => {
    await new Promise<void>((resolve) => {
      systemClock().after(-5, resolve);
    });
  });

  it('what runs soon runs after promises and in order', async () => {
    const clock = systemClock();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.soon(() => order.push('first'));
      clock.soon(() => {
        order.push('second');
        resolve();
      });
      void Promise.resolve().then(() => order.push('promise'));
    });
    expect(order).toEqual(['promise', 'first', 'second']);
  });

  it('monotonic time does not step back', () => {
    const clock = systemClock();
    const readings = Array.from({ length: 1_000 }, () => clock.monotonic());
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });
});

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/ports/index.ts';
import { clockContract } from '../../src/testing/contracts/index.ts';
import { virtualClock } from '../../src/testing/index.ts';

clockContract('virtual clock', () => {
  const clock = virtualClock();
  return { clock, advance: (ms) => clock.advance(ms) };
});

// Only the timers and clocks below the driver are moved by hand; turns stay those of the platform.
clockContract('system clock', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  return {
    clock: systemClock(),
    advance: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
    dispose: () => void vi.useRealTimers(),
  };
});

describe('system clock', () => {
  it('never fires before its time on the time of the machine', async () => {
    const clock = systemClock();
    const early = await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const [delayMs, start] = [1 + (index % 20), clock.monotonic()];
        return new Promise<boolean>((resolve) => {
          clock.after(delayMs, () => resolve(clock.monotonic() - start < delayMs));
        });
      }),
    );
    expect(early.filter(Boolean)).toEqual([]);
  });

  it('keeps the order of timers of one moment on the time of the machine', async () => {
    const clock = systemClock();
    const labels = Array.from({ length: 500 }, (_, index) => index);
    const fired: number[] = [];
    await Promise.all(
      labels.map(
        (label) =>
          new Promise<void>((resolve) => {
            clock.after(5, () => {
              fired.push(label);
              resolve();
            });
          }),
      ),
    );
    expect(fired).toEqual(labels);
  });

  it('lets the process end though timers wait', () => {
    const program = `import { systemClock } from './src/ports/index.ts';
      systemClock().after(3_600_000, () => undefined);
      systemClock().after(60 * 86_400_000, () => undefined);`;
    const { status } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      cwd: join(import.meta.dirname, '../..'),
      timeout: 30_000,
    });
    expect(status).toBe(0);
  });
});

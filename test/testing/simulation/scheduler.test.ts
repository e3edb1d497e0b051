import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/ports/index.ts';
import { Scheduler } from '../../../src/testing/simulation/scheduler.ts';

function schedulerOf(seed: number): Scheduler {
  return new Scheduler({ random: seededRandom(seed) });
}

describe('the scheduler of a simulation', () => {
  it('TK4 keeps the order of one lane, whatever the seed', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const scheduler = schedulerOf(seed);
      const seen: number[] = [];
      const lane = scheduler.lane('one');
      const other = scheduler.lane('other');
      for (let i = 0; i < 10; i++) {
        lane.soon(() => void seen.push(i));
        other.soon(() => undefined);
      }
      expect(await scheduler.run(() => false)).toBe('idle');
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it('TK4 lets what is on its way arrive in time, between two events and as none of its own', async () => {
    const scheduler = schedulerOf(1);
    const seen: string[] = [];
    const lane = scheduler.lane('one');
    const wire = scheduler.wire('between');
    for (const at of [30, 10, 20])
      wire.after(at, () => lane.soon(() => void seen.push(`${at} at ${lane.monotonic() | 0}`)));
    wire.after(15, () => seen.push('lost')).cancel();
    expect(await scheduler.run(() => false)).toBe('idle');
    expect(seen).toEqual(['10 at 10', '20 at 20', '30 at 30']);
    expect(scheduler.events).toBe(3);
  });

  it('TK4 interleaves lanes as the seed says: the same seed the same way, another one another way', async () => {
    const order = async (seed: number): Promise<string> => {
      const scheduler = schedulerOf(seed);
      let seen = '';
      for (const name of ['a', 'b', 'c']) {
        const lane = scheduler.lane(name);
        for (let i = 0; i < 6; i++) {
          lane.soon(() => {
            seen += name;
          });
        }
      }
      await scheduler.run(() => false);
      return seen;
    };
    expect(await order(7)).toBe(await order(7));
    expect(new Set([await order(1), await order(2), await order(3), await order(4)]).size).toBeGreaterThan(2);
  });

  it('TK4 runs an event with all microtasks that it causes before the next one', async () => {
    const scheduler = schedulerOf(1);
    const seen: string[] = [];
    const one = scheduler.lane('one');
    const two = scheduler.lane('two');
    const work = async (name: string): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      seen.push(name);
    };
    for (let i = 0; i < 5; i++) {
      one.soon(() => {
        seen.push('start');
        void work('end');
      });
      two.soon(() => {
        seen.push('start');
        void work('end');
      });
    }
    await scheduler.run(() => false);
    expect(seen.join(' ')).toBe(Array(10).fill('start end').join(' '));
  });

  it('TK4 fires timers in the order they are due, then in the order they were made, and jumps over time when nothing is ready', async () => {
    const scheduler = schedulerOf(1);
    const lane = scheduler.lane('one');
    const seen: string[] = [];
    lane.after(86_400_000 * 30, () => void seen.push('a month'));
    lane.after(10, () => void seen.push('first'));
    lane.after(10, () => void seen.push('second'));
    lane.after(5, () => void seen.push('cancelled')).cancel();
    await scheduler.run(() => false);
    expect(seen).toEqual(['first', 'second', 'a month']);
    expect(scheduler.now).toBeGreaterThanOrEqual(86_400_000 * 30);
  });

  it('TK3 holds back everything of a frozen lane, timers too, until it is thawed', async () => {
    const scheduler = schedulerOf(1);
    const frozen = scheduler.lane('frozen');
    const other = scheduler.lane('other');
    const seen: string[] = [];
    frozen.freeze();
    frozen.soon(() => void seen.push('turn'));
    frozen.after(5, () => void seen.push('timer'));
    other.after(100, () => {
      seen.push('thaw');
      frozen.thaw();
    });
    await scheduler.run(() => false);
    expect(seen).toEqual(['thaw', 'turn', 'timer']);
  });

  it('TK3 forgets everything of a killed lane, and lets it schedule nothing more', async () => {
    const scheduler = schedulerOf(1);
    const lane = scheduler.lane('one');
    const seen: string[] = [];
    lane.soon(() => {
      lane.kill();
      lane.soon(() => void seen.push('after death'));
      lane.after(1, () => void seen.push('timer after death'));
    });
    lane.soon(() => void seen.push('queued'));
    lane.after(1, () => void seen.push('timer'));
    await scheduler.run(() => false);
    expect(seen).toEqual([]);
  });

  it('TK4 stops at a deadline of virtual time, with later timers kept', async () => {
    const scheduler = schedulerOf(1);
    const lane = scheduler.lane('one');
    let fired = false;
    lane.after(1_000, () => {
      fired = true;
    });
    expect(await scheduler.run(() => false, 500)).toBe('deadline');
    expect(fired).toBe(false);
    expect(scheduler.now).toBe(500);
    expect(await scheduler.run(() => fired)).toBe('done');
  });

  it('W11 hands on what an event throws', async () => {
    const scheduler = schedulerOf(1);
    scheduler.lane('one').soon(() => {
      throw new Error('out of nowhere');
    });
    await expect(scheduler.run(() => false)).rejects.toThrow('out of nowhere');
  });
});

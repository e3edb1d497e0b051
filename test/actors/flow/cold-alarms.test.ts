import { describe, expect, it } from 'vitest';
import { ColdAlarms } from '../../../src/actors/flow/cold-alarms.ts';
import { ShardTimers } from '../../../src/actors/shard/timers.ts';
import { virtualClock } from '../../../src/testing/index.ts';

/** Alarms over cold flows that are nothing but when they ring. */
function alarmsOver(cold: Map<string, number>) {
  const clock = virtualClock({ start: 0 });
  const rung: string[] = [];
  const alarms = new ColdAlarms({
    host: { clock, timers: new ShardTimers(clock, (turn) => turn()) },
    count: () => cold.size,
    dueOf: (key) => cold.get(key),
    ring: (key) => {
      rung.push(`${key} at ${clock.now()}`);
      cold.delete(key);
    },
  });
  const set = (key: string, due: number): void => {
    cold.set(key, due);
    alarms.set(due, key);
  };
  return { clock, rung, alarms, set };
}

describe('timers of cold flows', () => {
  it('W6 ring each at its time, whatever order they were set in', async () => {
    const { clock, rung, set } = alarmsOver(new Map());
    set('late', 30);
    set('early', 10);
    set('between', 20);
    await clock.advance(100);
    expect(rung).toEqual(['early at 10', 'between at 20', 'late at 30']);
    expect(clock.pending()).toBe(0);
  });

  it('ring for no flow that is not cold any more, and once for one that grew cold again', async () => {
    const cold = new Map<string, number>();
    const { clock, rung, set } = alarmsOver(cold);
    set('woken', 10);
    cold.delete('woken');
    set('same', 10);
    set('same', 10);
    set('later', 10);
    set('later', 50);
    await clock.advance(20);
    expect(rung).toEqual(['same at 10']);
    await clock.advance(100);
    expect(rung).toEqual(['same at 10', 'later at 50']);
  });

  it('W7 leave little behind of flows that are woken and grow cold again and again', async () => {
    const { clock, rung, alarms, set } = alarmsOver(new Map());
    for (let n = 0; n < 10_000; n++) set(`k${n % 10}`, 1_000 + n);
    expect(alarms.entries).toBeLessThan(100);
    await clock.advance(20_000);
    expect(rung).toEqual(Array.from({ length: 10 }, (_, n) => `k${n} at ${1_000 + 9_990 + n}`));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alarm, ShardTimers } from '../../../src/actors/shard/timers.ts';
import { virtualClock } from '../../../src/testing/index.ts';

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('at' as const), in: fc.integer({ min: -10, max: 1_000 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('advance' as const), by: fc.integer({ min: 0, max: 500 }) }) },
);

describe('timers of a shard', () => {
  it('W6 every alarm that is not cancelled rings once, in order, never early and never late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 150 }), async (commands) => {
        const clock = virtualClock({ start: 0 });
        const timers = new ShardTimers(clock, (turn) => turn());
        const model: Array<{ due: number; rung: number; cancelled: boolean; alarm: Alarm }> = [];
        for (const step of commands) {
          if (step.type === 'at') {
            const due = clock.now() + step.in;
            const entry = {
              due,
              rung: 0,
              cancelled: false,
              alarm: timers.at(due, () => {
                entry.rung++;
                expect(clock.now()).toBe(Math.max(due, madeAt));
              }),
            };
            const madeAt = clock.now();
            model.push(entry);
          } else if (step.type === 'cancel') {
            const entry = model[step.which % Math.max(1, model.length)];
            if (entry === undefined) continue;
            if (entry.rung === 0) entry.cancelled = true;
            timers.cancel(entry.alarm);
          } else {
            await clock.advance(step.by);
            for (const { due, rung, cancelled } of model) {
              if (!cancelled) expect(rung).toBe(due <= clock.now() ? 1 : 0);
            }
          }
          expect(timers.size).toBe(model.filter(({ rung, cancelled }) => rung === 0 && !cancelled).length);
        }
        await clock.advance(2_000);
        for (const { rung, cancelled } of model) expect(rung).toBe(cancelled ? 0 : 1);
        expect(timers.size).toBe(0);
        expect(clock.pending()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('W7 alarms that are cancelled one after the other leave nothing behind', async () => {
    const clock = virtualClock();
    const timers = new ShardTimers(clock, (turn) => turn());
    for (let i = 0; i < 10_000; i++) timers.cancel(timers.at(clock.now() + 1_000 + i, () => undefined));
    expect(timers.size).toBe(0);
    expect(clock.pending()).toBeLessThanOrEqual(1);
  });

  it('W5 alarms that are due at the same moment ring in many turns, and others have theirs in between', async () => {
    const clock = virtualClock({ start: 0 });
    const turns: number[] = [];
    let rung = 0;
    const timers = new ShardTimers(clock, (turn) => {
      rung = 0;
      turn();
      turns.push(rung);
    });
    for (let n = 0; n < 1_000; n++) timers.at(10, () => rung++);
    await clock.advance(10);
    expect(turns.reduce((all, count) => all + count)).toBe(1_000);
    expect(Math.max(...turns)).toBeLessThan(200);
    expect(timers.size).toBe(0);
  });

  it('an alarm may set and cancel others while it rings, and nothing rings after the end', async () => {
    const clock = virtualClock({ start: 0 });
    const timers = new ShardTimers(clock, (turn) => turn());
    const rung: string[] = [];
    const victim = timers.at(10, () => rung.push('victim'));
    timers.at(5, () => {
      rung.push('first');
      timers.cancel(victim);
      timers.at(5, () => rung.push('at once'));
      timers.at(20, () => rung.push('later'));
    });
    timers.at(30, () => rung.push('never'));
    await clock.advance(25);
    timers.close();
    await clock.advance(100);
    expect(rung).toEqual(['first', 'at once', 'later']);
  });
});

/**
 * The contract of the clock port as a suite of tests that each driver passes.
 *
 * Owns the cases only. Call it at the top level of a vitest file; `makeDriver` gives a fresh clock for each test and
 * says how its time is moved, so that no test waits.
 */
import { readFile } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../ports/index.ts';

export interface ClockDriver {
  readonly clock: Clock;
  /** Lets so many milliseconds pass, at once if it can; resolves when every timer due by then has fired. */
  advance(ms: number): Promise<void>;
  dispose?(): void | Promise<void>;
}

const day = 86_400_000;

/** Turns in a row after which files that are ready must have been read. */
const patience = 1_000_000;

/** Runs the contract suite of the clock port over one driver. */
export function clockContract(name: string, makeDriver: () => ClockDriver | Promise<ClockDriver>): void {
  describe(`${name}: contract of the clock port`, () => {
    let driver: ClockDriver;
    let clock: Clock;
    /** What has fired, in order. */
    let fired: string[];

    beforeEach(async () => {
      driver = await makeDriver();
      clock = driver.clock;
      fired = [];
    });
    afterEach(() => driver.dispose?.());

    const note = (label: string) => (): void => void fired.push(label);
    const nextTurn = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));

    describe('time', () => {
      it('tells the time in milliseconds since 1970', () => {
        expect(clock.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
        expect(clock.now()).toBeLessThan(Date.UTC(2200, 0, 1));
      });

      it('moves both of its times by what has passed', async () => {
        const [wall, start] = [clock.now(), clock.monotonic()];
        await driver.advance(1_500);
        expect(clock.monotonic() - start).toBeGreaterThanOrEqual(1_500);
        expect(clock.now() - wall).toBeGreaterThanOrEqual(1_499);
      });

      it('never steps back with its monotonic time', async () => {
        const readings: number[] = [];
        for (let round = 0; round < 10; round++) {
          for (let count = 0; count < 1_000; count++) readings.push(clock.monotonic());
          await driver.advance(round);
        }
        expect(readings).toEqual(readings.toSorted((a, b) => a - b));
      });
    });

    describe('timers', () => {
      it('fires a timer once, and not before its time', async () => {
        const start = clock.monotonic();
        let after = 0;
        clock.after(1_000, () => {
          fired.push('timer');
          after = clock.monotonic() - start;
        });
        await driver.advance(990);
        expect(fired).toEqual([]);
        await driver.advance(20);
        await driver.advance(5_000);
        expect(fired).toEqual(['timer']);
        expect(after).toBeGreaterThanOrEqual(1_000);
      });

      it('fires timers in the order of their times', async () => {
        for (const delay of [300, 100, 200, 0]) clock.after(delay, note(String(delay)));
        await driver.advance(400);
        expect(fired).toEqual(['0', '100', '200', '300']);
      });

      it('fires timers of one moment in the order in which they were set', async () => {
        const labels = Array.from({ length: 100 }, (_, index) => String(index));
        for (const label of labels) clock.after(50, note(label));
        await driver.advance(60);
        expect(fired).toEqual(labels);
      });

      it.each([0, -5])(
        'fires a timer of %i milliseconds soon, but never before `after` has returned',
        async (delay) => {
          clock.after(delay, note('timer'));
          fired.push('returned');
          await driver.advance(10);
          expect(fired).toEqual(['returned', 'timer']);
        },
      );

      it('fires a timer that a timer has set', async () => {
        clock.after(100, () => clock.after(100, note('second')));
        await driver.advance(150);
        expect(fired).toEqual([]);
        await driver.advance(100);
        expect(fired).toEqual(['second']);
      });

      it('AK9 keeps timers beyond 24.8 days, where timers of the platform end', async () => {
        for (const days of [24, 25, 30, 60]) clock.after(days * day, note(`${days} days`));
        await driver.advance(23 * day);
        expect(fired).toEqual([]);
        await driver.advance(6 * day);
        expect(fired).toEqual(['24 days', '25 days']);
        await driver.advance(2 * day);
        expect(fired).toEqual(['24 days', '25 days', '30 days']);
        await driver.advance(30 * day);
        expect(fired).toEqual(['24 days', '25 days', '30 days', '60 days']);
      });

      it('AK9 forgets a timer that was cancelled, long ones too, and takes a second cancel', async () => {
        const timers = [10, 40 * day].map((delay) => clock.after(delay, note('cancelled')));
        clock.after(10, note('other'));
        for (const timer of timers) timer.cancel();
        for (const timer of timers) timer.cancel();
        await driver.advance(41 * day);
        expect(fired).toEqual(['other']);
      });

      it('cancels a long timer after its first weeks', async () => {
        const timer = clock.after(60 * day, note('cancelled'));
        await driver.advance(50 * day);
        timer.cancel();
        await driver.advance(20 * day);
        expect(fired).toEqual([]);
      });

      it('lets a timer cancel another of the same moment', async () => {
        clock.after(10, () => second.cancel());
        const second = clock.after(10, note('second'));
        await driver.advance(20);
        expect(fired).toEqual([]);
      });

      it('takes a cancel after the timer has fired', async () => {
        const timer = clock.after(10, note('timer'));
        await driver.advance(20);
        timer.cancel();
        expect(fired).toEqual(['timer']);
      });
    });

    describe('turns', () => {
      it('runs what runs soon after its caller, and after promises that are settled', async () => {
        const turn = nextTurn();
        clock.soon(note('turn'));
        void Promise.resolve().then(note('promise'));
        fired.push('caller');
        await turn;
        await nextTurn();
        expect(fired).toEqual(['caller', 'promise', 'turn']);
      });

      it('runs turns in the order in which they were asked for', async () => {
        const labels = Array.from({ length: 100 }, (_, index) => String(index));
        for (const label of labels) clock.soon(note(label));
        await nextTurn();
        expect(fired).toEqual(labels);
      });

      it('runs a turn that a turn asks for after those that were there', async () => {
        const inner = new Promise<void>((resolve) => {
          clock.soon(() => {
            fired.push('first');
            clock.soon(() => {
              fired.push('third');
              resolve();
            });
          });
        });
        clock.soon(note('second'));
        await inner;
        expect(fired).toEqual(['first', 'second', 'third']);
      });

      it('lets input and output have their chance between turns', async () => {
        let read = false;
        readFile(import.meta.filename, () => {
          read = true;
        });
        let turns = 0;
        for (; !read && turns < patience; turns++) await nextTurn();
        expect(turns).toBeLessThan(patience);
      });
    });
  });
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors/index.ts';
import { type Duration, inWords, toMs } from '../../src/ports/index.ts';

describe('durations', () => {
  it.each<[number | string, number]>([
    [0, 0],
    [1_500, 1_500],
    [0.6, 1],
    ['250 ms', 250],
    ['30s', 30_000],
    ['1 sec', 1_000],
    ['15 min', 900_000],
    ['1 minute', 60_000],
    ['12 hours', 43_200_000],
    ['2 days', 172_800_000],
    ['1 week', 604_800_000],
    [' 1.5 H ', 5_400_000],
    ['0 ms', 0],
  ])('%j is %d ms', (duration, ms) => {
    expect(toMs(duration)).toBe(ms);
  });

  it.each(['', '5', '-5 s', '5 parsecs', '1e3 s', '5 s 3 ms', 'two days', -1, Number.NaN, Number.POSITIVE_INFINITY])(
    '%j is refused',
    (duration) => {
      expect(() => toMs(duration)).toThrow(`"${duration}" is not a duration`);
    },
  );

  it('a number without unit is told how to get one', () => {
    expect(() => toMs('10')).toThrow('"10" is not a duration: give it a unit, such as "10s" or "10 ms"');
  });

  it.each([
    [0, '0 ms'],
    [1, '1 ms'],
    [1_000, '1 s'],
    [1_500, '1500 ms'],
    [90_000, '90 s'],
    [5_400_000, '90 min'],
    [3_600_000, '1 hour'],
    [86_400_000, '1 day'],
    [2_592_000_000, '30 days'],
  ])('%d ms is told as %s, and read as the same', (ms, text) => {
    expect(inWords(ms)).toBe(text);
    expect(toMs(inWords(ms))).toBe(ms);
  });

  it('a mistyped unit is found by the compiler', () => {
    const right: Duration[] = [1_500, '250 ms', '30s', '1 second', '15 mins', '1.5 hours', '2 days', '1 week'];
    expect(right.map((duration) => toMs(duration)).every((ms) => ms > 0)).toBe(true);
    // @ts-expect-error no such unit
    const unit: Duration = '2 dyas';
    // @ts-expect-error no unit
    const none: Duration = '10';
    for (const wrong of [unit, none]) expect(() => toMs(wrong)).toThrow('is not a duration');
  });

  it('whatever the text is, it is a number of milliseconds or refused with the one code', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('constructor', '1 constructor', '1 toString', '1 __proto__')),
        (text) => {
          try {
            const ms = toMs(text);
            expect(Number.isSafeInteger(ms) && ms >= 0).toBe(true);
          } catch (error) {
            expect(WeirError.is(error, 'WEIR_DURATION_INVALID')).toBe(true);
          }
        },
      ),
    );
  });
});

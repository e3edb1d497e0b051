/** Durations as the public API takes them: milliseconds, or a string such as `'2 days'`. */
import { WeirError } from '../errors/index.ts';

/** Words for each unit; all but the shortest also stand in the plural. */
const units = {
  ms: 1,
  millisecond: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
} as const;

type Word = keyof typeof units;
type Unit = Word | `${Exclude<Word, 'ms' | 's' | 'm' | 'h' | 'd' | 'w'>}s`;

/** Milliseconds, or a number with a unit: `'250 ms'`, `'30s'`, `'15 min'`, `'12 hours'`, `'2 days'`, `'1 week'`. */
export type Duration = number | `${number}${'' | ' '}${Unit}`;

const scales: ReadonlyMap<string, number> = new Map(Object.entries(units));

/**
 * Milliseconds of a duration, rounded to whole ones. It takes any text, so that durations of configuration, command
 * line and inputs of flows can be read: `sleep(toMs(input.pause))`.
 * @throws WeirError `WEIR_DURATION_INVALID` for a negative number, an unknown unit, none, or anything else.
 */
export function toMs(duration: Duration | string): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return Math.round(duration);
  if (typeof duration === 'string') {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(duration);
    const unit = match?.[2]?.toLowerCase() ?? '';
    const scale = scales.get(unit) ?? scales.get(unit.replace(/s$/, ''));
    if (match?.[1] !== undefined && scale !== undefined) return Math.round(Number(match[1]) * scale);
  }
  throw new WeirError('WEIR_DURATION_INVALID', { value: String(duration), why: whyInvalid(duration) });
}

/** Units in which lengths are told, longest first. */
const told: ReadonlyArray<readonly [name: string, ms: number]> = [
  ['day', units.day],
  ['hour', units.hour],
  ['min', units.min],
  ['s', units.s],
];

/** A length as a person would say it, in the largest unit that it is a whole number of: `2 days`, `90 min`, `1500 ms`. */
export function inWords(ms: number): string {
  for (const [name, unit] of told) {
    if (ms < unit || ms % unit !== 0) continue;
    const count = ms / unit;
    return `${count} ${name}${count > 1 && (name === 'day' || name === 'hour') ? 's' : ''}`;
  }
  return `${ms} ms`;
}

function whyInvalid(duration: Duration | string): string {
  if (typeof duration !== 'string' || !/^\s*\d+(?:\.\d+)?\s*$/.test(duration)) return '';
  const count = duration.trim();
  return `: give it a unit, such as "${count}s" or "${count} ms"`;
}

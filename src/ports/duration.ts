/** Durations as the public API takes them: milliseconds, or a string such as `'2 days'`. */
import { WeirError } from '../errors/index.ts';

/** Milliseconds, or a number with a unit: `'250 ms'`, `'30s'`, `'15 min'`, `'12 hours'`, `'2 days'`, `'1 week'`. */
export type Duration = number | string;

const units: ReadonlyMap<string, number> = new Map(
  Object.entries({
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
  }),
);

/**
 * Milliseconds of a duration, rounded to whole ones.
 * @throws WeirError `WEIR_DURATION_INVALID` for a negative number, an unknown unit or anything else.
 */
export function toMs(duration: Duration): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return Math.round(duration);
  if (typeof duration === 'string') {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(duration);
    const unit = match?.[2]?.toLowerCase() ?? '';
    const scale = units.get(unit) ?? units.get(unit.replace(/s$/, ''));
    if (match?.[1] !== undefined && scale !== undefined) return Math.round(Number(match[1]) * scale);
  }
  throw new WeirError('WEIR_DURATION_INVALID', { value: String(duration) });
}

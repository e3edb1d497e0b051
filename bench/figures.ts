/** Figures: several values of one measurement, beside the target it has, as aligned tables and as JSON. */

/** One value, as a part of the bench gives it. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export interface Target {
  readonly sign: '>=' | '<=';
  readonly value: number;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly target?: Target;
  readonly met?: boolean;
}

export interface Section {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What a reader must know to compare the figures. */
  readonly notes: readonly string[];
}

export function figure(name: string, unit: string, values: readonly number[], target?: Target): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const median = medianOf(sorted);
  const base = { name, unit, median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0, runs: sorted.length };
  if (target === undefined) return base;
  return { ...base, target, met: target.sign === '>=' ? median >= target.value : median <= target.value };
}

/** One figure for each key of the runs; keys that no run has are left out. */
export function figures<Key extends string>(
  prefix: string,
  runs: ReadonlyArray<Readonly<Partial<Record<Key, number | undefined>>>>,
  columns: ReadonlyArray<readonly [key: Key, name: string, unit: string, target?: Target]>,
): Figure[] {
  return columns.flatMap(([key, name, unit, target]) => {
    const values = runs.flatMap((run) => run[key] ?? []);
    return values.length === 0 ? [] : [figure(`${prefix}${name}`, unit, values, target)];
  });
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const headings = ['figure', 'median', 'min', 'max', 'unit', 'runs', 'target', ''];
/** Columns of numbers, which stand right. */
const numeric = new Set([1, 2, 3, 5]);

export function tableOf({ title, figures: rows, notes }: Section): string {
  const cells = rows.map(({ name, median, min, max, unit, runs, target, met }) => [
    name,
    text(median),
    text(min),
    text(max),
    unit,
    String(runs),
    target === undefined ? '' : `${target.sign} ${text(target.value)}`,
    met === undefined ? '' : met ? 'met' : 'missed',
  ]);
  const lines = [headings, ...cells];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const drawn = lines.map((line) =>
    line
      .map((cell, column) =>
        numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(Math.max(...drawn.map(({ length }) => length)));
  const [head = '', ...body] = drawn;
  return [title, rule, head, rule, ...body, ...notes.map((note) => `  ${note}`), ''].join('\n');
}

/** Three digits that mean something. */
function text(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

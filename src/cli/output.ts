/** How answers look: aligned columns for people, JSON for programs. */

/** Where a command writes and reads; tests and the process each have their own. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether somebody looks at a screen that can be drawn anew. */
  readonly redraws: boolean;
}

export function printJson({ out }: Terminal, value: unknown): void {
  out(`${JSON.stringify(value, null, 2)}\n`);
}

/** One line: for answers that come one after the other. */
export function printLine({ out }: Terminal, value: unknown): void {
  out(`${JSON.stringify(value)}\n`);
}

/** Rows under a head, each column as wide as its widest cell; the last column is not padded. */
export function columns(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** `name  value` lines; what has no value is left out. */
export function facts(entries: ReadonlyArray<readonly [string, string | undefined]>): string {
  const told = entries.filter(([, value]) => value !== undefined);
  const width = Math.max(...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

/** `2026-11-23 03:17:38`, in UTC. */
export function timeText(iso: string | undefined): string {
  return iso === undefined ? '' : iso.slice(0, 19).replace('T', ' ');
}

/** Log lines for a person at a terminal: time, level, sentence, and the fields behind it. */

/** Takes whole lines, each ended by a line feed. */
export interface LogSink {
  write(line: string): void;
}

const labels: Readonly<Record<number, string>> = { 20: 'DEBUG', 30: 'INFO ', 40: 'WARN ', 50: 'ERROR' };

/** A sink that rewrites pino's JSON lines; what is no such line goes through as it is. */
export function prettyLines(sink: LogSink): LogSink {
  return { write: (line) => sink.write(prettyLine(line)) };
}

function prettyLine(line: string): string {
  const fields = parsed(line);
  if (fields === undefined) return line;
  const { level, time, msg, pid: _pid, ...rest } = fields;
  const details = Object.entries(rest).map(([name, value]) => ` ${name}=${detail(value)}`);
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  return `${clock} ${labels[Number(level)] ?? String(level)} ${String(msg)}${details.join('')}\n`;
}

function detail(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // Not one of pino's lines; it is shown as it came.
    return undefined;
  }
}

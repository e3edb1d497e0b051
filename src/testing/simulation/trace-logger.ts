/** A logger whose warnings and errors stand in the trace, beside what they are about. */
import { messageOf } from '../../errors/index.ts';
import type { LogFields, Logger } from '../../ports/index.ts';

export function traceLogger(note: (level: string, text: string) => void): Logger {
  const line = (level: string) => (fields: LogFields, message: string) => note(level, `${message}${textOf(fields)}`);
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: line('warns'),
    error: line('logs an error'),
    child: () => logger,
  };
  return logger;
}

function textOf(fields: LogFields): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}: ${messageOf(value)}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** The logger of a node: pino behind the Logger port. Owns levels, destination and form of the lines. */
import { type DestinationStream, destination as openDestination, type Logger as Pino, pino } from 'pino';
import type { Clock } from './clock.ts';
import { type FieldSettings, shownFields } from './log-fields.ts';
import type { Logger } from './logger.ts';
import { type LogSink, prettyLines } from './pretty-lines.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface PinoLoggerSettings {
  /** Least important lines that are written. At `debug`, errors show their stacks. Default `info`. */
  readonly level?: LogLevel;
  /**
   * A file (appended to; its directory is made), a file descriptor, or a sink. Default 2, standard error: standard output
   * belongs to the command's answer. Written synchronously, so that the lines before a crash are there.
   */
  readonly destination?: string | number | LogSink;
  /** Lines for people instead of JSON. Default false. */
  readonly pretty?: boolean;
  /** Whose time the lines carry. Default the machine's. */
  readonly clock?: Pick<Clock, 'now'>;
}

/**
 * A logger that writes JSON lines (`level`, `time`, `pid`, fields, `msg`). Fields named like secrets are redacted at
 * any depth; errors are shown with code, remedy and context; large fields are cut.
 */
export function pinoLogger(settings: PinoLoggerSettings = {}): Logger {
  const { level = 'info', destination = 2, pretty = false, clock } = settings;
  const shape = { stacks: level === 'debug' };
  const sink = openSink(destination);
  const writer = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock?.now() ?? Date.now()).toISOString()}"`,
      formatters: { log: (fields) => shownFields(fields, shape) },
      // Fields are fit to be shown by then; pino's own shaping of `err` would take the code and the remedy away.
      serializers: { err: (shown: unknown) => shown },
    },
    pretty ? prettyLines(sink) : sink,
  );
  return wrap(writer, shape);
}

/** pino applies no formatter to the fields of a child, so they are made fit to be shown before it gets them. */
function wrap(writer: Pino, shape: FieldSettings): Logger {
  return {
    debug: (fields, message) => writer.debug(fields, message),
    info: (fields, message) => writer.info(fields, message),
    warn: (fields, message) => writer.warn(fields, message),
    error: (fields, message) => writer.error(fields, message),
    child: (fields) => wrap(writer.child(shownFields(fields, shape)), shape),
  };
}

function openSink(destination: string | number | LogSink): DestinationStream {
  if (typeof destination === 'object') return destination;
  return openDestination({ dest: destination, mkdir: typeof destination === 'string', sync: true });
}

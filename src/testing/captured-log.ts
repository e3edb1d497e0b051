/**
 * A log that is kept instead of written, and shown when it is wanted: after a test that failed.
 * Owns the lines; their form, and what must not be shown of their fields, are the production logger's.
 */
import { type LogFields, type Logger, pinoLogger } from '../ports/index.ts';

export interface CapturedLine {
  /** Milliseconds since 1970, by the clock that the log was made with. */
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** As they were given, with those that `child` has bound. */
  readonly fields: LogFields;
}

export interface CapturedLogSettings {
  /** Whose time the lines carry. Default the machine's. */
  readonly clock?: { now(): number };
  /** A logger that gets every line as well. Default none. */
  readonly forward?: Logger;
  /** Lines that are kept; beyond them the oldest are dropped. Default 10 000. */
  readonly limit?: number;
}

export interface CapturedLog {
  /** Give it to whatever is tested. */
  readonly logger: Logger;
  /** Oldest first. */
  readonly lines: readonly CapturedLine[];
  /**
   * The lines as text, as they would stand in a terminal; secrets are redacted. `pick` says which fields of a line are
   * shown; undefined leaves the line out. Default all.
   */
  text(pick?: (line: CapturedLine) => LogFields | undefined): string;
  /** Writes the text. Default sink: standard error. */
  show(sink?: { write(text: string): unknown }): void;
  /**
   * Runs a test, and shows the lines only when it fails.
   * @throws what `run` throws
   */
  showOnFailure<T>(run: () => T | Promise<T>): Promise<T>;
  /** Forgets the lines so far. */
  clear(): void;
}

const defaultLimit = 10_000;

/** A log for a test. `kit.log` of `testNode` and `actorKit` is one already. */
export function capturedLog({ clock, forward, limit = defaultLimit }: CapturedLogSettings = {}): CapturedLog {
  const now = clock === undefined ? Date.now : () => clock.now();
  const lines: CapturedLine[] = [];
  let dropped = 0;

  const keep = (level: CapturedLine['level'], message: string, fields: LogFields): void => {
    if (lines.length >= limit) {
      lines.shift();
      dropped += 1;
    }
    lines.push({ at: now(), level, message, fields });
  };
  const bound = (fixed: LogFields, next: Logger | undefined): Logger => {
    const write =
      (level: CapturedLine['level']) =>
      (fields: LogFields, message: string): void => {
        keep(level, message, { ...fixed, ...fields });
        next?.[level](fields, message);
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => bound({ ...fixed, ...fields }, next?.child(fields)),
    };
  };

  const text = (pick: (line: CapturedLine) => LogFields | undefined = ({ fields }) => fields): string => {
    let at = 0;
    const shown = dropped === 0 ? [] : [`… ${dropped} older lines were dropped\n`];
    const destination = { write: (line: string) => void shown.push(line) };
    const form = pinoLogger({ level: 'debug', pretty: true, destination, clock: { now: () => at } });
    for (const line of lines) {
      const fields = pick(line);
      if (fields === undefined) continue;
      at = line.at;
      form[line.level](fields, line.message);
    }
    return shown.join('');
  };
  const show: CapturedLog['show'] = (sink = process.stderr) => {
    if (lines.length > 0) sink.write(text());
  };
  return {
    logger: bound({}, forward),
    lines,
    text,
    show,
    async showOnFailure(run) {
      try {
        return await run();
      } catch (error) {
        show();
        throw error;
      }
    },
    clear() {
      lines.length = 0;
      dropped = 0;
    },
  };
}

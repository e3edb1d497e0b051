/**
 * A logger that also tells of errors: of every line of level error, and of each warning that carries one, which is what
 * somebody (a supervisor, a log that waits) has coped with. The lines themselves are written as before.
 */
import type { ErrorSeverity } from '../../actors/rpc/index.ts';
import type { LogFields, Logger } from '../../ports/index.ts';
import { errorIn } from './sighting.ts';

/** Called in the midst of whatever went wrong: it must be quick, and never throw. */
export type Report = (severity: ErrorSeverity, fields: LogFields, sentence: string) => void;

/** @param bound what every line of `logger` carries */
export function reportingLogger(logger: Logger, report: Report, bound: LogFields = {}): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn(fields, message) {
      logger.warn(fields, message);
      if (errorIn(fields) !== undefined) report('warning', { ...bound, ...fields }, message);
    },
    error(fields, message) {
      logger.error(fields, message);
      report('error', { ...bound, ...fields }, message);
    },
    child: (fields) => reportingLogger(logger.child(fields), report, { ...bound, ...fields }),
  };
}

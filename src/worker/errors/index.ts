/** The errors of all workers: told by each, in one stream, and read in any. */

export { deathReporter } from './death-reporter.ts';
export { ErrorList } from './error-list.ts';
export { ErrorReporter } from './error-reporter.ts';
export { errorsService } from './errors-service.ts';
export { inheritedErrors, markProcess } from './process-marks.ts';
export { errorAccess, errorTopicSpec } from './record.ts';
export { reportingLogger } from './reporting-logger.ts';

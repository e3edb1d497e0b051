/** The errors of all workers: told by each, in one stream, and read in any. */
export { deathReporter } from './death-reporter.ts';
export { nodeErrors } from './node-errors.ts';
export { endedByItself, inheritedErrors, markProcess } from './process-marks.ts';
export { decodeError, errorAccess, errorTopic, errorTopicSpec } from './record.ts';

/** What Node.js is told when it runs a worker. */
import { secretReports } from '../reports.ts';

/**
 * Room for what is new, in MiB, before it is collected. States of a shard that is taken over outlive what they are read
 * from: with 16, Node's own choice, they are copied several times on the way. It takes up to three times as much memory.
 */
const semiSpace = '--max-semi-space-size';
const semiSpaceMiB = 64;

/**
 * Options of Node.js for a worker whose parent was started with `given`. What an operator chose, there or in
 * `NODE_OPTIONS`, stays: options of the command line would win over those of the environment.
 */
export function workerOptions(given: readonly string[], nodeOptions = ''): string[] {
  const chosen = [...given, ...nodeOptions.split(/\s+/)].some(
    (option) => option.replaceAll('_', '-').split('=', 1)[0] === semiSpace,
  );
  return [...given, secretReports, ...(chosen ? [] : [`${semiSpace}=${semiSpaceMiB}`])];
}

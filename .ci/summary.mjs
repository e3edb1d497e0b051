// Prints the last line of a run from Vitest's JSON report. Plain JavaScript, because the machine's own Node may be old.
import { readFileSync } from 'node:fs';

/** A report that is missing or cut (the tests did not get to their end) counts as one failure. */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}

const report = read(process.argv[2]);
// A file that cannot be loaded has failed without a test of its own.
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length;
const skipped = report.numPendingTests + report.numTodoTests;
const counts = [`${report.numPassedTests} passed`, `${report.numFailedTests + broken} failed`];
if (skipped > 0) counts.push(`${skipped} skipped`);
process.stdout.write(`${counts.join(', ')}\n`);

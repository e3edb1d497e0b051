/** The report of a blocked event loop: a file for whoever mends it, and a sentence for whoever reads the log. */
import { writeSync } from 'node:fs';
import { WeirError } from '../../errors/index.ts';
import { reportedError, reportFile, writeReport } from '../reports.ts';
import type { Running } from './board.ts';

export interface BlockedReport {
  /** When it was written, ISO 8601. */
  readonly at: string;
  readonly pid: number;
  /** How long the loop has stood still, at least. */
  readonly blockedMs: number;
  /** Whose turn it is; none when something other than an actor has the loop. */
  readonly actor: Running | undefined;
  /** What runs, innermost first; none when it runs outside of JavaScript, such as in a synchronous system call. */
  readonly stack: readonly string[] | undefined;
  readonly memory: NodeJS.MemoryUsage;
  readonly uptimeSeconds: number;
  readonly node: string;
}

/** Writes the report and says so on standard error; gives the sentence. Never throws: the process is about to end. */
export function tellBlocked(report: BlockedReport, folder: string): string {
  const { actor, blockedMs, stack } = report;
  const by = actor === undefined ? 'by nothing that is an actor' : `by ${actor.path ?? `the actor ${actor.uid}`}`;
  // Innermost may be something of Node.js that somebody called; whose code it is says more.
  const place = stack?.find((frame) => !frame.includes('(node:'));
  const where = stack === undefined ? 'outside of JavaScript' : `in ${place ?? 'the runtime'}`;
  const file = reportFile(folder, 'blocked', report);
  const told = new WeirError('WEIR_LOOP_BLOCKED', { blockedMs, by, where, report: file });
  const unwritten = writeReport(file, folder, { ...report, error: reportedError(told) });
  const error =
    unwritten === undefined
      ? told
      : new WeirError('WEIR_LOOP_BLOCKED', {
          ...{ blockedMs, by, where },
          report: `not written: ${unwritten}; ${JSON.stringify(report)}`,
        });
  const sentence = `weir: ${error.message} (${error.code})\n  to do: ${error.remedy}\n`;
  // Straight to the descriptor: streams of a thread go through the loop that stands still.
  writeSync(2, sentence);
  return sentence;
}

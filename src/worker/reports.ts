/**
 * Reports of processes that could not go on: files below the data directory, since a process that ends cannot wait for
 * its log. Whoever finds the process gone tells of them.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { causesOf, ensureError, WeirError } from '../errors/index.ts';

/** What every report begins with. */
const head = z.object({
  /** When it was written, ISO 8601. */
  at: z.iso.datetime(),
  pid: z.number(),
  error: z.object({ code: z.string(), message: z.string(), causes: z.array(z.string()), remedy: z.string() }),
});
export type ReportHead = z.output<typeof head>;
type Kind = 'blocked' | 'failed';

export function reportsFolder(data: string): string {
  return join(data, 'reports');
}

export function reportFile(folder: string, kind: Kind, { at, pid }: Pick<ReportHead, 'at' | 'pid'>): string {
  return join(folder, `${kind}-${at.replaceAll(':', '-')}-${pid}.json`);
}

/** Writes a report; gives why it could not, or undefined. Never throws: the process is about to end. */
export function writeReport(file: string, folder: string, report: ReportHead): string | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
    return undefined;
  } catch (thrown) {
    // A full disk must not keep the process alive that nobody can use.
    return ensureError(thrown).message;
  }
}

/** Leaves a report of an error that nobody has handled, for the next process. */
export function reportFailure(data: string, thrown: unknown, now: number): void {
  const folder = reportsFolder(data);
  const head = { at: new Date(now).toISOString(), pid: process.pid, error: reportedError(ensureError(thrown)) };
  const report = { ...head, stack: ensureError(thrown).stack, uptimeSeconds: Math.round(process.uptime()) };
  // Whether it could be written changes nothing any more.
  writeReport(reportFile(folder, 'failed', head), folder, report);
}

/**
 * Keeps the environment, where secrets are, out of reports of Node.js. `process.report.excludeEnv` does not: when memory
 * ends while no JavaScript runs, as it may in a collection, nobody looks at it (seen in one of seven on Node.js 24.21).
 */
export const secretReports = '--report-exclude-env';

/**
 * Has Node.js itself leave a report when this process runs out of memory: nothing of ours runs then. Only where it was
 * started with `--report-exclude-env`.
 */
export function reportFatalErrors(data: string): void {
  const options = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  if (!options.includes(secretReports)) return;
  const folder = reportsFolder(data);
  const { report } = process;
  try {
    mkdirSync(folder, { recursive: true });
  } catch {
    // As for any other report.
    return;
  }
  report.directory = folder;
  report.filename = fatalName(process.pid);
  report.compact = true;
  report.reportOnFatalError = true;
}

/** What ended a process that could not go on, as Node.js has told it; undefined when it has told nothing. */
export function fatalErrorOf(folder: string, pid: number, since: number): string | undefined {
  const file = join(folder, fatalName(pid));
  try {
    const { header } = fatalReport.parse(JSON.parse(readFileSync(file, 'utf8')));
    return Number(header.dumpEventTimeStamp) >= since ? header.event : undefined;
  } catch {
    // Most processes leave none; one that was cut off tells nothing.
    return undefined;
  }
}

const fatalReport = z.object({ header: z.object({ event: z.string(), dumpEventTimeStamp: z.string() }) });

function fatalName(pid: number): string {
  return `fatal-${pid}.json`;
}

/** An error as a report has it. */
export function reportedError(error: Error): ReportHead['error'] {
  const { code, remedy } = WeirError.is(error) ? error : new WeirError('WEIR_INTERNAL');
  return { code, message: error.message, causes: causesOf(error), remedy };
}

/** The reports that a process has left, oldest first; none when there are none, or nobody can read them. */
export function reportsOf(folder: string, pid: number): ReportHead[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(`-${pid}.json`));
    const reports = names.flatMap(
      (name) => head.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8'))).data ?? [],
    );
    return reports.sort((a, b) => (a.at < b.at ? -1 : 1));
  } catch {
    // No folder is what most nodes have; what cannot be read has nothing to tell.
    return [];
  }
}

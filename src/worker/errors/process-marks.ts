/**
 * Processes that have ended without being told to. Each leaves a mark on the disk while it runs, `running/<pid>.json`
 * below its data directory; whoever finds the mark of one that is gone tells of its end, and of the reports it wrote.
 * Nothing here keeps a process from starting or ending: what the disk refuses is only not told.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { ReportedError } from '../../actors/rpc/index.ts';
import { WeirError } from '../../errors/index.ts';
import { reportsFolder, reportsOf } from '../reports.ts';
import { sightingOfError } from './sighting.ts';

/** Errors of a process that is gone; `told` is called when they are durable. */
export interface Inheritance {
  readonly errors: readonly ReportedError[];
  readonly told: () => void;
}

const processMark = z.object({ worker: z.string(), pid: z.number(), host: z.string(), startedAt: z.number() });
type ProcessMark = z.output<typeof processMark>;

const service = 'worker';

function folderOf(data: string): string {
  return join(data, 'running');
}

function fileOf(data: string, pid: number): string {
  return join(folderOf(data), `${pid}.json`);
}

/** Marks this process as one that runs; gives how to take that back. */
export function markProcess(data: string, worker: string, startedAt: number): () => void {
  const mark: ProcessMark = { worker, pid: process.pid, host: hostname(), startedAt };
  try {
    mkdirSync(folderOf(data), { recursive: true });
    writeFileSync(fileOf(data, process.pid), JSON.stringify(mark));
  } catch {
    // A disk that takes no mark must not keep the node from starting.
  }
  return () => removeMark(data, mark);
}

/** Only of that very process: ids of processes come again. */
export function removeMark(data: string, { pid, startedAt }: Pick<ProcessMark, 'pid' | 'startedAt'>): void {
  try {
    if (markOf(data, pid)?.startedAt === startedAt) rmSync(fileOf(data, pid), { force: true });
  } catch {
    // It stays, and the next start tells of an end that was an orderly one: a word too many.
  }
}

/** The mark of one process, if it has left one. */
export function markOf(data: string, pid: number): ProcessMark | undefined {
  return readMark(fileOf(data, pid));
}

/** What processes of this host that are gone have left to be told; asked for before this one marks itself. */
export function inheritedErrors(data: string, now: number): Inheritance[] {
  return deadProcesses(data, now).map((mark) => ({
    errors: errorsOfDeath({ ...mark, how: 'the next one found it gone', now }, data),
    told: () => removeMark(data, mark),
  }));
}

function deadProcesses(data: string, now: number): ProcessMark[] {
  try {
    return readdirSync(folderOf(data)).flatMap((name) => {
      const mark = readMark(join(folderOf(data), name));
      return mark === undefined || mark.host !== hostname() || runs(mark, now) ? [] : [mark];
    });
  } catch {
    // No folder: nothing has ever run here.
    return [];
  }
}

/** What is told of a process that is gone: that it ended, and what it had still written of why. */
export function errorsOfDeath(
  { worker, pid, startedAt, how, now }: Omit<ProcessMark, 'host'> & { readonly how: string; readonly now: number },
  data: string,
): ReportedError[] {
  const died = new WeirError('WEIR_WORKER_DIED', { worker, pid, how });
  const one = (id: string, at: number): Pick<ReportedError, 'id' | 'worker' | 'since' | 'at' | 'count'> => ({
    ...{ id: `${id}/${worker}/${pid}/${startedAt}`, worker },
    ...{ since: at, at, count: 1 },
  });
  const reports = reportsOf(reportsFolder(data), pid).filter(({ at }) => Date.parse(at) >= startedAt);
  return [
    ...reports.map(({ at, error }) => ({
      ...one('report', Date.parse(at)),
      service,
      severity: 'error' as const,
      ...error,
    })),
    { ...one('died', now), ...sightingOfError('error', service, died) },
  ];
}

function readMark(file: string): ProcessMark | undefined {
  try {
    return processMark.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    // Gone meanwhile, or cut off by the end of its process: it names nobody.
    return undefined;
  }
}

/** Ids come again: one that began before this process began, under the id of this one, is gone. */
function runs({ pid, startedAt }: ProcessMark, now: number): boolean {
  if (pid === process.pid) return startedAt >= now - process.uptime() * 1_000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

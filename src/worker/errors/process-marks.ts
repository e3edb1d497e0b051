/**
 * Processes that have ended without being told to. Each leaves a mark on the disk while it runs, `running/<pid>.json`
 * below its data directory; whoever finds the mark of one that is gone tells of its end, and of the reports it wrote.
 * The mark of one that has ended by its own doing stays for a while: the crash guard asks for it (FE17). Nothing here keeps a process from starting or ending: what the disk refuses is only not told.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { ReportedError } from '../../actors/rpc/index.ts';
import { WeirError } from '../../errors/index.ts';
import { fatalErrorOf, reportsFolder, reportsOf } from '../reports.ts';
import { sightingOfError } from './sighting.ts';

/** Errors of a process that is gone; `told` is called when they are durable. */
export interface Inheritance {
  readonly errors: readonly ReportedError[];
  readonly told: () => void;
}

const processMark = z.object({
  ...{ worker: z.string(), pid: z.number(), host: z.string(), startedAt: z.number() },
  /** What marks of flows name the process by (`WorkerGuard.life`). */
  life: z.string().optional(),
  /** Exit code of a process that has ended itself; signals from outside leave none. */
  exit: z.number().optional(),
  /** Its end has been told. */
  told: z.literal(true).optional(),
});
type ProcessMark = z.output<typeof processMark>;
type DeadProcess = Pick<ProcessMark, 'worker' | 'pid' | 'startedAt'>;

const service = 'worker';
/** So long it is known that a process has ended by its own doing. */
const keptMs = 7 * 24 * 60 * 60 * 1_000;

function folderOf(data: string): string {
  return join(data, 'running');
}

function fileOf(data: string, pid: number): string {
  return join(folderOf(data), `${pid}.json`);
}

/** Marks this process as one that runs, and that it ends itself when it does; gives how to take that back. */
export function markProcess(data: string, worker: string, startedAt: number, life?: string): () => void {
  const mark: ProcessMark = { worker, pid: process.pid, host: hostname(), startedAt, ...(life && { life }) };
  write(data, mark);
  const onExit = (exit: number): void => {
    if (markOf(data, mark.pid)?.startedAt === startedAt) write(data, { ...mark, exit });
  };
  process.once('exit', onExit);
  return () => {
    process.off('exit', onExit);
    removeMark(data, mark);
  };
}

function write(data: string, mark: ProcessMark): void {
  try {
    mkdirSync(folderOf(data), { recursive: true });
    writeFileSync(fileOf(data, mark.pid), JSON.stringify(mark));
  } catch {
    // A disk that takes no mark must not keep the node from starting.
  }
}

/**
 * Whether the process of this life is gone, and has itself ended: by `process.exit`, an error that nobody has caught, a
 * loop that its watchdog has ended, or for want of memory. A signal from outside is none of these.
 */
export function endedByItself(data: string, life: string, now: number): boolean {
  return marksIn(data).some(
    (mark) => mark.life === life && mark.host === hostname() && !runs(mark, now) && own(mark, data),
  );
}

function own({ pid, startedAt, exit }: ProcessMark, data: string): boolean {
  // 128 and more is what a process ends with that was asked to by a signal.
  if (exit !== undefined) return exit < 128;
  const folder = reportsFolder(data);
  if (fatalErrorOf(folder, pid, startedAt) !== undefined) return true;
  return reportsOf(folder, pid).some(({ at }) => Date.parse(at) >= startedAt);
}

/** The end of a process that is gone has been told: its mark goes, unless somebody may still ask how it ended. */
export function settleMark(data: string, mark: ProcessMark): void {
  if (mark.life !== undefined && own(mark, data)) write(data, { ...mark, told: true });
  else removeMark(data, mark);
}

/** Only of that very process: ids of processes come again. */
function removeMark(data: string, { pid, startedAt }: Pick<ProcessMark, 'pid' | 'startedAt'>): void {
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
    told: () => settleMark(data, mark),
  }));
}

function deadProcesses(data: string, now: number): ProcessMark[] {
  const dead = marksIn(data).filter((mark) => mark.host === hostname() && !runs(mark, now));
  for (const mark of dead) if (mark.told === true && now - mark.startedAt > keptMs) removeMark(data, mark);
  return dead.filter(({ told }) => told !== true);
}

function marksIn(data: string): ProcessMark[] {
  try {
    return readdirSync(folderOf(data)).flatMap((name) => readMark(join(folderOf(data), name)) ?? []);
  } catch {
    // No folder: nothing has ever run here.
    return [];
  }
}

/** What is told of a process that is gone: that it ended, and what it had still written of why. */
export function errorsOfDeath(
  { worker, pid, startedAt, how, now }: DeadProcess & { readonly how: string; readonly now: number },
  data: string,
): ReportedError[] {
  const fatal = fatalErrorOf(reportsFolder(data), pid, startedAt);
  const died = new WeirError('WEIR_WORKER_DIED', { worker, pid, how: fatal === undefined ? how : `${how}; ${fatal}` });
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

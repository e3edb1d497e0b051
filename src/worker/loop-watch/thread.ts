/** The thread that watches the event loop of the main one, and ends the process when that stands still. */
import { workerData } from 'node:worker_threads';
import { holdProcess, systemClock } from '../../ports/index.ts';
import { type BlockedReport, tellBlocked } from './blocked-report.ts';
import { BoardReader } from './board.ts';
import type { WatchOrder } from './loop-watch.ts';
import { pauseMainThread } from './main-thread.ts';
import { MissedBeats } from './missed-beats.ts';

/** After this long the main thread has not been paused, nor will be. */
const pauseWithinMs = 2_000;

// Both sides of this are of this folder.
const { board, withinMs, lookMs, reports, exitCode } = workerData as WatchOrder;
const clock = systemClock();
const reader = new BoardReader(board);
const beats = new MissedBeats(reader);

function look(): void {
  const blockedMs = beats.look() * lookMs;
  if (blockedMs >= withinMs) end(blockedMs);
  else clock.after(lookMs, look);
}

function end(blockedMs: number): void {
  const report = (stack: readonly string[] | undefined): BlockedReport => ({
    at: new Date(clock.now()).toISOString(),
    pid: process.pid,
    blockedMs,
    actor: reader.running(),
    stack,
    memory: process.memoryUsage(),
    uptimeSeconds: Math.round(process.uptime()),
    node: process.version,
  });
  let told = false;
  pauseMainThread(({ stack, exit }) => {
    if (told) return;
    told = true;
    tellBlocked(report(stack), reports);
    exit(exitCode);
  });
  clock.after(pauseWithinMs, () => {
    if (!told) tellBlocked(report(undefined), reports);
    told = true;
    // Only a signal ends a process from another of its threads.
    process.kill(process.pid, 'SIGKILL');
  });
}

holdProcess();
clock.after(lookMs, look);

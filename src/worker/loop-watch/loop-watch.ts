/**
 * The watch over the event loop, third level of the watchdog: a loop that stands still can notice nothing itself, so it
 * beats on a board in shared memory, and a thread that misses the beats writes a report and ends the process.
 */
import inspector from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { type Clock, type Duration, type LoopProbe, type Timer, toMs } from '../../ports/index.ts';
import { BoardWriter, newBoard } from './board.ts';

/** Exit code of a process that was ended because its event loop stood still. */
const blockedExitCode = 5;

export interface LoopWatchSettings {
  /** The loop must get on within this time, at least 100 ms; a debugger that is attached suspends the watch. */
  readonly within: Duration;
  /** Folder of the reports; made when there is one. */
  readonly reports: string;
}

export interface LoopWatch {
  readonly probe: LoopProbe;
  stop(): Promise<void>;
}

/** What the thread is started with. */
export interface WatchOrder {
  readonly board: SharedArrayBuffer;
  readonly withinMs: number;
  /** Time between two looks of the thread, and between two beats. */
  readonly lookMs: number;
  readonly reports: string;
  readonly exitCode: number;
}

/** Looks within one time limit: the report is late by one of them at most. */
const looks = 10;
const slowestLookMs = 1_000;

/** Begins to watch the loop of this process. */
export function watchLoop({ within, reports }: LoopWatchSettings, clock: Clock): LoopWatch {
  const withinMs = Math.max(100, toMs(within));
  const lookMs = Math.min(slowestLookMs, withinMs / looks);
  const board = newBoard();
  const writer = new BoardWriter(board);
  const beat = (): Timer => {
    writer.beat(inspector.url() !== undefined);
    return clock.after(lookMs, () => {
      timer = beat();
    });
  };
  let timer = beat();
  const order: WatchOrder = { board, withinMs, lookMs, reports, exitCode: blockedExitCode };
  // The thread needs none of the program's flags, a debugger's port least of all.
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: order, execArgv: [] });
  thread.unref();
  return {
    probe: writer,
    async stop() {
      timer.cancel();
      await thread.terminate();
    },
  };
}

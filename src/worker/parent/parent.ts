/**
 * The parent of the worker processes of one host.
 *
 * Owns their lives: it starts them, starts one again that has ended (backoff and budget as for a service), and makes a
 * dead one leave its groups at once, so that its shards move without waiting for its session to run out.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { Clock, Logger, Random, Timer } from '../../ports/index.ts';
import { backoffMs, type RestartBudget, restartBudget } from '../../supervisors/index.ts';
import type { WorkerReport } from './worker-report.ts';

export interface WorkerProcess {
  readonly pid: number | undefined;
  onReport(listener: (report: WorkerReport) => void): void;
  /** Called once. `how` is for people: a signal or an exit code. */
  onExit(listener: (end: { readonly how: string; readonly code: number | null }) => void): void;
  signal(signal: NodeJS.Signals): void;
}

export type ParentEvent =
  | { readonly type: 'up'; readonly worker: string; readonly pid: number | undefined; readonly url: string | undefined }
  | { readonly type: 'ended'; readonly worker: string; readonly how: string; readonly againInMs: number | undefined }
  | { readonly type: 'stopped'; readonly worker: string; readonly how: string };

export interface ParentSetup {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** One name for each worker. */
  readonly workers: readonly string[];
  readonly launch: (worker: string, index: number) => WorkerProcess;
  /** Makes a member of a group leave it. */
  readonly leave: (group: string, memberId: string) => Promise<void>;
  /** Takes back what a dead worker has told of itself: nobody is to believe any more that it runs its shards. */
  readonly forget: (worker: string) => Promise<void>;
  /** Tells whoever looks at the errors of the node that a worker has ended without being told to. */
  readonly report: (dead: DeadWorker) => Promise<void>;
  readonly onEvent: (event: ParentEvent) => void;
}

export interface DeadWorker {
  readonly worker: string;
  readonly pid: number | undefined;
  /** A signal or an exit code, for people. */
  readonly how: string;
}

export interface Parent {
  /** Resolves when no worker is left: with the cause, unless `stop` was asked for. */
  readonly ended: Promise<WeirError | undefined>;
  /** Forwards the signal to every worker and starts none again; a second one ends them at once. */
  stop(signal: NodeJS.Signals): void;
}

const budget = { max: 5, withinMs: 60_000 };
const backoff = { minMs: 100, maxMs: 10_000, jitter: 0.25 };
/** A command line or a configuration that one process refuses, the next one refuses too. */
const usageExitCode = 2;

interface Seat {
  readonly worker: string;
  readonly index: number;
  readonly restarts: RestartBudget;
  /** Groups of the running process, and its ids in them. */
  readonly members: Map<string, string>;
  process: WorkerProcess | undefined;
  waiting: Timer | undefined;
}

export function workersParent(setup: ParentSetup): Parent {
  const { clock, random, logger, onEvent, launch } = setup;
  const left = new Set<Seat>();
  const burials = new Set<Promise<void>>();
  let stopping = false;
  let lastCause = '';
  let end: (cause: WeirError | undefined) => void = () => undefined;
  const ended = new Promise<WeirError | undefined>((resolve) => {
    end = resolve;
  });

  function start(seat: Seat): void {
    seat.waiting = undefined;
    const { worker, index } = seat;
    const process = launch(worker, index);
    seat.process = process;
    process.onReport((report) => {
      switch (report.type) {
        case 'up':
          onEvent({ type: 'up', worker, pid: process.pid, url: report.url });
          return;
        case 'member':
          seat.members.set(report.group, report.memberId);
      }
    });
    process.onExit((exit) => over(seat, exit));
  }

  function over(seat: Seat, { how, code }: { readonly how: string; readonly code: number | null }): void {
    const { worker } = seat;
    const pid = seat.process?.pid;
    seat.process = undefined;
    // One that ends in peace has left by itself; while no broker answers, nobody is to wait for them a second time.
    if (!stopping || code !== 0) {
      // First of all: until the groups know of it, its shards stand still.
      const leaving = [...seat.members].map(([group, memberId]) => setup.leave(group, memberId));
      bury(worker, [...leaving, setup.forget(worker), ...(stopping ? [] : [setup.report({ worker, pid, how })])]);
    }
    seat.members.clear();
    if (stopping) {
      onEvent({ type: 'stopped', worker, how });
      remove(seat);
      return;
    }
    const verdict = seat.restarts.record(clock.now());
    const lost = verdict.type === 'exhausted' || code === usageExitCode;
    const againInMs = verdict.type === 'exhausted' || lost ? undefined : backoffMs(backoff, verdict.attempt, random);
    onEvent({ type: 'ended', worker, how, againInMs });
    if (againInMs === undefined) {
      lastCause = `${worker}: ${how}`;
      remove(seat);
      return;
    }
    seat.waiting = clock.after(againInMs, () => start(seat));
  }

  function bury(worker: string, acts: readonly Promise<void>[]): void {
    const done = Promise.all(acts).then(
      () => undefined,
      (error: unknown) => {
        // Its session runs out and its heartbeat grows old all the same.
        logger.warn({ worker, error: messageOf(error) }, 'the brokers did not hear that a worker has died');
      },
    );
    burials.add(done);
    void done.then(() => burials.delete(done));
  }

  function remove(seat: Seat): void {
    left.delete(seat);
    if (left.size > 0) return;
    const cause = stopping ? undefined : new WeirError('WEIR_WORKERS_ENDED', { why: lastCause });
    void Promise.all(burials).then(() => end(cause));
  }

  for (const [index, worker] of setup.workers.entries()) {
    const seat: Seat = {
      ...{ worker, index, restarts: restartBudget(budget), members: new Map() },
      ...{ process: undefined, waiting: undefined },
    };
    left.add(seat);
    start(seat);
  }
  return {
    ended,
    stop(signal) {
      stopping = true;
      for (const seat of [...left]) {
        seat.waiting?.cancel();
        if (seat.process === undefined) remove(seat);
        else seat.process.signal(signal);
      }
    },
  };
}

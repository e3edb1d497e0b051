/** A worker as a real process, with a channel to its parent that also tells it when the parent has ended. */
import { fork } from 'node:child_process';
import type { WorkerProcess } from './parent.ts';
import { workerOptions } from './worker-options.ts';
import { workerReportOf } from './worker-report.ts';

/** @param args the script and its arguments */
export function forkWorker([script, ...args]: readonly [string, ...string[]]): WorkerProcess {
  const child = fork(script, args, {
    execArgv: workerOptions(process.execArgv, process.env.NODE_OPTIONS),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ctrl-C goes to a whole process group; the parent forwards it, and a second one would end workers at once.
    detached: true,
  });
  return {
    pid: child.pid,
    onReport(listener) {
      child.on('message', (message) => {
        const report = workerReportOf(message);
        if (report !== undefined) listener(report);
      });
    },
    onExit(listener) {
      let told = false;
      const tell = (how: string, code: number | null): void => {
        if (told) return;
        told = true;
        listener({ how, code });
      };
      child.once('error', ({ message }) => tell(message, null));
      child.once('exit', (code, signal) => tell(signal === null ? `exit code ${code}` : signal, code));
    },
    signal: (signal) => void child.kill(signal),
  };
}

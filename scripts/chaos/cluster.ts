/**
 * The cluster under test, as a port: workers that are real processes, which can be killed, stopped and started again.
 *
 * Owns the contract, and the cluster of one worker: `weir up` on the embedded log. A cluster on Kafka is the same port
 * with several workers, and brokers that fail too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface WorkerUnderTest {
  readonly name: string;
  /** Where it listens; undefined while it is not up. */
  url(): string | undefined;
  /** Sends a signal to the process; false when there is none. */
  signal(signal: NodeJS.Signals): boolean;
}

/** A process that ended. Only `SIGKILL`, and the end that was asked for, are expected. */
export interface WorkerExit {
  readonly worker: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log. */
  readonly log: readonly string[];
}

export interface ClusterUnderTest {
  readonly workers: readonly WorkerUnderTest[];
  /** Starts every worker; resolves when all are ready. A worker that dies from then on is started again at once. */
  start(): Promise<void>;
  /** Told of each process that ended. */
  onExit(listener: (exit: WorkerExit) => void): void;
  /** Stops every worker in order (SIGTERM), and nothing is started again. */
  stop(): Promise<void>;
  /** Ends every process at once, whatever state it is in. */
  destroy(): void;
}

const weir = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const linesKept = 40;
const restartAfterMs = 100;

/** Where the node says that it listens; with `--json` it is the first that it prints. */
const addressLine = /"url": "([^"]+)"/;

/** One worker on the embedded log, with the configuration in `file`. */
export function embeddedCluster(file: string): ClusterUnderTest {
  const listeners: Array<(exit: WorkerExit) => void> = [];
  let child: ChildProcess | undefined;
  let url: string | undefined;
  let stopping = false;

  /** Resolves when it listens, or has ended before that. */
  async function launch(): Promise<void> {
    const launched = spawn(process.execPath, [weir, 'up', '--json', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = launched;
    const log: string[] = [];
    createInterface({ input: launched.stderr }).on('line', (line) => {
      log.push(line);
      if (log.length > linesKept) log.shift();
    });
    const listening = new Promise<void>((resolve) => {
      createInterface({ input: launched.stdout }).on('line', (line) => {
        const found = addressLine.exec(line)?.[1];
        if (found === undefined) return;
        url = found;
        resolve();
      });
    });
    const ended = once(launched, 'close').then(([code, signal]) => {
      url = undefined;
      child = undefined;
      for (const listener of listeners) listener({ worker: 'worker-0', code, signal, log });
      if (!stopping) setTimeout(() => void launch(), restartAfterMs);
    });
    await Promise.race([listening, ended]);
  }

  return {
    workers: [
      {
        name: 'worker-0',
        url: () => url,
        signal: (signal) => child?.kill(signal) ?? false,
      },
    ],
    start: launch,
    onExit: (listener) => void listeners.push(listener),
    async stop() {
      stopping = true;
      const last = child;
      if (last === undefined || last.exitCode !== null || last.signalCode !== null) return;
      const closed = once(last, 'close');
      last.kill('SIGCONT');
      last.kill('SIGTERM');
      await closed;
    },
    destroy() {
      stopping = true;
      child?.kill('SIGKILL');
    },
  };
}

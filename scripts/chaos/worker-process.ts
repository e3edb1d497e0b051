/** One worker as a process of the command line, started again whenever it dies, until it is told to stop. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SingleWorker, WorkerExit } from './cluster.ts';

const weir = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const linesKept = 40;
const restartAfterMs = 100;

/** Where the node says that it listens; with `--json` it is the first that it prints. */
const addressLine = /"url": "([^"]+)"/;

export class WorkerProcess implements SingleWorker {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #onExit: (exit: WorkerExit) => void;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  /** Resolves when the process listens, or has ended before that. */
  #starting: Promise<void> | undefined;
  /** The process was told to end; told twice it would end at once. */
  #ending = false;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;

  /** @param command for `weir`, with its flags */
  constructor(name: string, command: readonly string[], onExit: (exit: WorkerExit) => void) {
    this.name = name;
    this.#command = command;
    this.#onExit = onExit;
  }

  url(): string | undefined {
    return this.#url;
  }

  pid(): number | undefined {
    return this.#child?.pid;
  }

  signal(signal: NodeJS.Signals): boolean {
    if (this.#ending && signal === 'SIGTERM') return false;
    const sent = this.#child?.kill(signal) ?? false;
    if (sent && signal === 'SIGTERM') this.#ending = true;
    return sent;
  }

  start(): Promise<void> {
    this.#stopping = false;
    const launched = spawn(process.execPath, [weir, ...this.#command, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = launched;
    this.#ending = false;
    const log: string[] = [];
    createInterface({ input: launched.stderr }).on('line', (line) => {
      log.push(line);
      if (log.length > linesKept) log.shift();
    });
    const listening = new Promise<void>((resolve) => {
      createInterface({ input: launched.stdout }).on('line', (line) => {
        const found = addressLine.exec(line)?.[1];
        if (found === undefined) return;
        this.#url = found;
        resolve();
      });
    });
    const ended = once(launched, 'close').then(([code, signal]) => {
      this.#url = undefined;
      this.#child = undefined;
      this.#onExit({ worker: this.name, code, signal, log });
      if (!this.#stopping) this.#restart = setTimeout(() => void this.start(), restartAfterMs);
    });
    this.#starting = Promise.race([listening, ended]);
    return this.#starting;
  }

  /** Also of one that is only just coming up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    await this.#starting;
    const last = this.#child;
    if (last === undefined || last.exitCode !== null || last.signalCode !== null) return;
    const closed = once(last, 'close');
    last.kill('SIGCONT');
    this.signal('SIGTERM');
    await closed;
  }

  destroy(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#child?.kill('SIGKILL');
  }
}

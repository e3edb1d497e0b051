/** A parent with its workers (`weir up --workers`) as real processes. The parent starts a worker again that dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { WorkerExit, WorkerUnderTest } from './cluster.ts';

const weir = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const linesKept = 40;

/** What the parent says of its workers with `--json`, a line each. */
const parentLine = z.looseObject({
  type: z.enum(['up', 'ended', 'stopped']),
  worker: z.string(),
  pid: z.number().optional(),
  url: z.string().optional(),
  /** A signal, or `exit code N`. */
  how: z.string().optional(),
});

interface Up {
  readonly pid: number | undefined;
  readonly url: string | undefined;
}

export class ParentProcess {
  readonly workers: readonly WorkerUnderTest[];
  readonly #command: readonly string[];
  readonly #onExit: (exit: WorkerExit) => void;
  readonly #up = new Map<string, Up>();
  /** The last lines of all of them. */
  readonly #log: string[] = [];
  #parent: ChildProcess | undefined;

  /** @param flags for `weir up` */
  constructor(count: number, flags: readonly string[], onExit: (exit: WorkerExit) => void) {
    this.#command = [weir, 'up', '--workers', String(count), '--json', ...flags];
    this.#onExit = onExit;
    this.workers = Array.from({ length: count }, (_, index) => this.#worker(`${hostname()}-${index + 1}`));
  }

  /** Resolves when all workers are up, or the parent has ended before that. */
  async start(): Promise<void> {
    const parent = spawn(process.execPath, this.#command, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#parent = parent;
    createInterface({ input: parent.stderr }).on('line', (line) => {
      this.#log.push(line);
      if (this.#log.length > linesKept) this.#log.shift();
    });
    const allUp = new Promise<void>((resolve) => {
      createInterface({ input: parent.stdout }).on('line', (line) => {
        this.#take(parentLine.parse(JSON.parse(line)));
        if (this.#up.size === this.workers.length) resolve();
      });
    });
    await Promise.race([allUp, once(parent, 'close')]);
  }

  async stop(): Promise<void> {
    const parent = this.#parent;
    if (parent === undefined || parent.exitCode !== null || parent.signalCode !== null) return;
    const closed = once(parent, 'close');
    parent.kill('SIGTERM');
    await closed;
  }

  destroy(): void {
    this.#parent?.kill('SIGKILL');
    for (const { pid } of this.#up.values()) signalTo(pid, 'SIGKILL');
  }

  #worker(name: string): WorkerUnderTest {
    return {
      name,
      url: () => this.#up.get(name)?.url,
      pid: () => this.#up.get(name)?.pid,
      signal: (signal) => signalTo(this.#up.get(name)?.pid, signal),
    };
  }

  #take({ type, worker, pid, url, how = '' }: z.output<typeof parentLine>): void {
    if (type === 'up') {
      this.#up.set(worker, { pid, url });
      return;
    }
    this.#up.delete(worker);
    const code = /^exit code (\d+)$/.exec(how)?.[1];
    const signal = code === undefined ? signals.find((one) => one === how) : undefined;
    this.#onExit({ worker, code: code === undefined ? null : Number(code), signal: signal ?? null, log: this.#log });
  }
}

/** What workers may be seen to end by. */
const signals: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGABRT', 'SIGSEGV', 'SIGBUS'];

function signalTo(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    // It has ended, and its parent has not said so yet.
    return false;
  }
}

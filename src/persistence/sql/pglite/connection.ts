/**
 * The one connection to a PGlite database: a thread that runs it. Owns the life of the thread. PGlite cannot be asked to
 * stop a statement, so the thread is ended; the next one finds what was committed, as after a killed process.
 */
import type { Worker } from 'node:worker_threads';
import { ensureError, WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import { type Connection, Interrupted, type RawResult, type Statement, sessionSetup } from '../connection.ts';
import { ServerError } from '../failures.ts';
import type { Answer, Request } from './protocol.ts';

export interface ThreadSetup {
  readonly directory: string;
  readonly clock: Clock;
  readonly start: () => Worker;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Interrupted) => void;
}

/** PGlite that does not close within this time is ended. */
const closeMs = 10_000;

/** @throws WeirError `WEIR_SQL_FAILED` */
export async function openThread(setup: ThreadSetup): Promise<Connection> {
  const connection = new ThreadConnection(setup);
  try {
    await connection.begin();
    return connection;
  } catch (error) {
    await connection.close();
    const why = `PGlite does not start in ${setup.directory}`;
    throw new WeirError(
      'WEIR_SQL_FAILED',
      { why, outcome: 'none' },
      error instanceof Interrupted ? error.cause : error,
    );
  }
}

class ThreadConnection implements Connection {
  readonly #setup: ThreadSetup;
  readonly #thread: Worker;
  readonly #lostListeners: Array<() => void> = [];
  readonly #ended: Promise<void>;
  #pending: Pending | undefined;
  #failure: Error | undefined;
  #inTransaction = false;
  #usable = true;
  #closing = false;

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
    this.#thread = setup.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#thread.on('message', (answer: Answer) => this.#settle((pending) => pending.resolve(answer)));
    this.#thread.on('error', (error) => {
      this.#failure = ensureError(error);
    });
    this.#thread.on('exit', () => {
      this.#lose();
      resolve();
    });
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  get usable(): boolean {
    return this.#usable;
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener);
  }

  /** Waits for the thread, which makes the tables when there are none. */
  async begin(): Promise<void> {
    await new Promise<Answer>((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    await this.#ask({ type: 'run', statement: { text: sessionSetup, parameters: [], maxRows: 1 } });
  }

  async run(statement: Statement, signal: AbortSignal): Promise<RawResult> {
    if (!this.#usable) throw new Interrupted('lost', true);
    if (signal.aborted) throw new Interrupted('stopped', true);
    const stop = (): void => void this.#thread.terminate();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const answer = await this.#ask({ type: 'run', statement });
      switch (answer.type) {
        case 'result':
          return answer.result;
        case 'refused':
          throw new ServerError(answer.error);
        case 'too-large':
          throw new Interrupted('too-large', false);
        default:
          throw new Error(`the thread answers ${answer.type}`);
      }
    } catch (error) {
      if (signal.aborted && error instanceof Interrupted) throw new Interrupted('stopped', false, error);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async finish(how: 'commit' | 'rollback', signal: AbortSignal): Promise<string> {
    const { command } = await this.run({ text: how, parameters: [], maxRows: 1 }, signal);
    return command;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#usable) {
      const timer = this.#setup.clock.after(closeMs, () => void this.#thread.terminate());
      // A thread that dies while it closes is closed as well.
      await this.#ask({ type: 'close' }).catch(() => undefined);
      timer.cancel();
    }
    await this.#thread.terminate();
    await this.#ended;
  }

  async #ask(request: Request): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#thread.postMessage(request);
    });
    if ('inTransaction' in answer) this.#inTransaction = answer.inTransaction;
    return answer;
  }

  #lose(): void {
    this.#usable = false;
    this.#inTransaction = false;
    this.#settle((pending) => pending.reject(new Interrupted('lost', false, this.#failure)));
    if (!this.#closing) for (const listener of this.#lostListeners) listener();
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) how(pending);
  }
}

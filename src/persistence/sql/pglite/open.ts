/** The driver for PGlite: PostgreSQL as WebAssembly, in a thread of this process, with its tables in a directory. */
import { Worker } from 'node:worker_threads';
import { type Clock, type Logger, silentLogger } from '../../../ports/index.ts';
import type { Connection } from '../connection.ts';
import { Database, type SqlSettings } from '../database.ts';
import type { Sql } from '../port.ts';
import { openThread } from './connection.ts';
import { claimDirectory, linuxBootId } from './directory.ts';
import type { ThreadData } from './protocol.ts';

export interface PgliteSettings extends SqlSettings {
  /** Of the database; made, with an empty database in it, when it is not there. One process at a time has it. */
  readonly directory: string;
  /** Opens the database although the machine went down while it was open. Default false. */
  readonly acceptLoss?: boolean;
}

export interface PgliteSetup extends PgliteSettings {
  readonly clock: Clock;
  /** Default: no log. */
  readonly logger?: Logger;
  /** Starts the thread of PGlite. Default: a thread of this process without its environment. */
  readonly startThread?: (module: URL, data: ThreadData) => Worker;
  /** Names the running start of the machine. Default: that of Linux; elsewhere a loss of power goes unseen. */
  readonly bootId?: () => Promise<string | undefined>;
}

/**
 * Opens a PGlite database, and makes it when there is none (some seconds). For a node of one process: development, tests,
 * small installations.
 *
 * **It survives a killed process, not a power loss**: PGlite never forces a write to disk. Closing the database does. When
 * the machine went down while it was open, it is refused until its owner accepts the loss (`acceptLoss`).
 *
 * There is one connection. Transactions and statements wait for each other, and what runs beside an open transaction
 * waits for its end. A statement that has to stop (deadline, signal) takes the thread with it; the database opens again
 * by itself, and the outcome of that statement is unknown when it was not part of a transaction.
 * @throws WeirError `WEIR_SQL_IN_USE`, `WEIR_SQL_DIRECTORY`, `WEIR_SQL_MAYBE_LOST`, `WEIR_SQL_FAILED`
 */
export async function openPglite(setup: PgliteSetup): Promise<Sql> {
  const { directory, acceptLoss = false, clock, logger = silentLogger } = setup;
  const { startThread = defaultThread, bootId = linuxBootId } = setup;
  const claim = await claimDirectory({ directory, acceptLoss, bootId });
  const connect = (path: string): Promise<Connection> => {
    const data: ThreadData = { directory: path };
    return openThread({ directory, clock, start: () => startThread(new URL('./thread.ts', import.meta.url), data) });
  };
  try {
    await claim.makeTables(async (path) => (await connect(path)).close());
  } catch (error) {
    await claim.release();
    throw error;
  }
  const database = new Database({
    clock,
    logger,
    settings: setup,
    maxConnections: 1,
    open: () => connect(claim.tables),
    release: () => claim.release(),
  });
  await database.reach();
  const { error } = database.health();
  if (error !== undefined) {
    await database.close();
    throw error;
  }
  return database;
}

function defaultThread(module: URL, data: ThreadData): Worker {
  const thread = new Worker(module, { workerData: data, env: {}, execArgv: [], stdout: true, stderr: true });
  // PGlite prints notices of PostgreSQL; what matters comes as an answer.
  thread.stdout.resume();
  thread.stderr.resume();
  return thread;
}

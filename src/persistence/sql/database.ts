/**
 * A database over the connections of a driver: statements, transactions, deadlines and the end. The same for all drivers.
 * Owns what is running, so that it can be waited for and stopped.
 */
import { WeirError } from '../../errors/index.ts';
import { type Clock, type Duration, type Logger, toMs } from '../../ports/index.ts';
import { type Connection, Interrupted } from './connection.ts';
import { Pool } from './pool.ts';
import type {
  RowParser,
  Sql,
  SqlHealth,
  SqlParameter,
  SqlResult,
  SqlRow,
  SqlTransaction,
  StatementOptions,
  TransactionOptions,
} from './port.ts';
import { refusalOf, resultOf, runOn, type StatementInput } from './statement.ts';
import { Stop } from './stop.ts';
import { TransactionScope } from './transaction.ts';

/** Settings that every driver takes. */
export interface SqlSettings {
  /** Deadline of a statement that names none. Default 30 seconds. */
  readonly statementWithin?: Duration;
  /** Deadline of a transaction that names none. Default 60 seconds. */
  readonly transactionWithin?: Duration;
  /** How long `close` lets work come to its end. Default 10 seconds. */
  readonly closeWithin?: Duration;
  /** Callers who may wait for a connection; further ones are refused with `WEIR_SQL_BUSY`. Default 1000. */
  readonly maxWaiting?: number;
}

export interface DatabaseSetup {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: SqlSettings;
  readonly maxConnections: number;
  readonly open: () => Promise<Connection>;
  /** Lets go of what the connections share, after the last of them. */
  readonly release?: () => Promise<void>;
}

/** A commit or rollback takes moments; a database that does not answer it for so long is gone. */
const settleMs = 10_000;

export class Database implements Sql {
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #withinMs: { readonly statement: number; readonly transaction: number; readonly close: number };
  readonly #release: () => Promise<void>;
  readonly #running = new Map<Stop, Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor({ clock, logger, settings, maxConnections, open, release }: DatabaseSetup) {
    const { statementWithin = 30_000, transactionWithin = 60_000, closeWithin = 10_000, maxWaiting = 1_000 } = settings;
    this.#clock = clock;
    this.#pool = new Pool({ clock, logger, open, max: maxConnections, maxWaiting });
    this.#withinMs = {
      statement: toMs(statementWithin),
      transaction: toMs(transactionWithin),
      close: toMs(closeWithin),
    };
    this.#release = release ?? (() => Promise.resolve());
  }

  /** Tries once to connect; afterwards `health` tells of it. */
  reach(): Promise<void> {
    return this.#pool.reach();
  }

  query(text: string, parameters?: readonly SqlParameter[], options?: StatementOptions): Promise<SqlResult<SqlRow>>;
  query<Row>(
    text: string,
    parameters: readonly SqlParameter[],
    options: StatementOptions & { readonly row: RowParser<Row> },
  ): Promise<SqlResult<Row>>;
  query(
    text: string,
    parameters: readonly SqlParameter[] = [],
    options: StatementInput['options'] = {},
  ): Promise<SqlResult<unknown>> {
    return this.#run('a statement', options.within ?? this.#withinMs.statement, options.signal, async (stop) => {
      const connection = await this.#pool.acquire(stop);
      try {
        const raw = await runOn(connection, { text, parameters, options }, stop, 'unknown');
        if (connection.inTransaction) {
          await this.#rollBack(connection);
          const why = 'it opens a transaction on a connection of the pool: use transaction()';
          throw new WeirError('WEIR_SQL_STATEMENT', { why, outcome: 'none' });
        }
        return resultOf(raw, options.row);
      } finally {
        this.#pool.release(connection);
      }
    });
  }

  transaction<Result>(
    work: (transaction: SqlTransaction) => Promise<Result>,
    { isolation = 'read committed', readOnly = false, within, signal }: TransactionOptions = {},
  ): Promise<Result> {
    return this.#run('a transaction', within ?? this.#withinMs.transaction, signal, async (stop) => {
      const connection = await this.#pool.acquire(stop);
      const scope = new TransactionScope(connection, stop, this.#clock);
      try {
        const begin = `begin isolation level ${isolation} read ${readOnly ? 'only' : 'write'}`;
        await runOn(connection, { text: begin, parameters: [], options: {} }, stop, 'none');
        const result = await stop.race(Promise.resolve(scope).then(work));
        await scope.end();
        await this.#commit(connection);
        return result;
      } catch (error) {
        await scope.abandon();
        await this.#rollBack(connection);
        throw error;
      } finally {
        this.#pool.release(connection);
      }
    });
  }

  health(): SqlHealth {
    return this.#pool.health;
  }

  onHealth(listener: (health: SqlHealth) => void): void {
    this.#pool.onHealth(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Runs a piece of work under its deadline, known to `close`. */
  #run<Result>(
    what: string,
    within: Duration,
    signal: AbortSignal | undefined,
    work: (stop: Stop) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closed !== undefined) return Promise.reject(new WeirError('WEIR_SQL_CLOSED', { outcome: 'none' }));
    const stop = new Stop({ clock: this.#clock, what, withinMs: toMs(within), signal });
    const done = work(stop).finally(() => {
      stop.dispose();
      this.#running.delete(stop);
    });
    this.#running.set(stop, done);
    return done;
  }

  async #commit(connection: Connection): Promise<void> {
    if (!connection.inTransaction) {
      throw new WeirError('WEIR_SQL_STATEMENT', { why: 'one of the statements of a transaction ended it' });
    }
    const stop = new Stop({ clock: this.#clock, what: 'a commit', withinMs: settleMs });
    try {
      const answer = await connection.finish('commit', stop.signal);
      if (answer !== 'COMMIT') {
        throw new WeirError('WEIR_SQL_FAILED', { why: `a commit was answered with ${answer}`, outcome: 'none' });
      }
    } catch (error) {
      throw refusalOf(error, stop, 'unknown');
    } finally {
      stop.dispose();
    }
  }

  async #rollBack(connection: Connection): Promise<void> {
    if (!connection.usable || !connection.inTransaction) return;
    const stop = new Stop({ clock: this.#clock, what: 'a rollback', withinMs: settleMs });
    try {
      await connection.finish('rollback', stop.signal);
    } catch (error) {
      // A connection that cannot roll back is unusable and leaves the pool; the database rolls back when it is gone.
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      stop.dispose();
    }
  }

  async #close(): Promise<void> {
    this.#pool.refuse();
    const timer = this.#clock.after(this.#withinMs.close, () => {
      for (const stop of this.#running.keys()) stop.close();
    });
    await Promise.allSettled(this.#running.values());
    timer.cancel();
    await this.#pool.close();
    await this.#release();
  }
}

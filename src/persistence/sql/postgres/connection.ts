/**
 * One connection to a PostgreSQL server. Owns how a statement is sent, stopped and given up; `pg` owns the protocol.
 */
import type { Client, ClientConfig, DatabaseError } from 'pg';
import { ensureError, WeirError } from '../../../errors/index.ts';
import type { Clock, Timer } from '../../../ports/index.ts';
import { type Connection, Interrupted, type RawResult, type Statement, sessionSetup } from '../connection.ts';
import { endsConnection, failureOf, ServerError } from '../failures.ts';
import { Stop } from '../stop.ts';

export interface ConnectionSetup {
  readonly address: ClientConfig;
  readonly clock: Clock;
  /** For connecting and for the first statements. */
  readonly withinMs: number;
}

/** Loaded with the first connection: a node without PostgreSQL does without it. */
const loadPg = async () => (await import('pg')).default;
type Pg = Awaited<ReturnType<typeof loadPg>>;

/** A server that was asked to stop a statement, or to say goodbye, and is silent for so long is not waited for. */
const patienceMs = 2_000;

/** A server that has lost its client stops the statement. Not every system can. */
const watchClient = "select set_config('client_connection_check_interval', '5s', false)";

/** @throws WeirError `WEIR_SQL_UNAVAILABLE`, `WEIR_SQL_LOGIN` */
export async function openConnection(setup: ConnectionSetup): Promise<Connection> {
  const stop = new Stop({ clock: setup.clock, what: 'connecting', withinMs: setup.withinMs });
  const pg = await loadPg();
  const client = new pg.Client(setup.address);
  const connection = new PostgresConnection(pg, client, setup);
  stop.signal.addEventListener('abort', () => connection.drop());
  try {
    stop.signal.throwIfAborted();
    await client.connect();
    await connection.begin(stop.signal);
    return connection;
  } catch (error) {
    connection.drop();
    if (!stop.signal.aborted) throw unreachable(error);
    const why = `no connection within ${setup.withinMs} ms`;
    throw new WeirError('WEIR_SQL_UNAVAILABLE', { why, outcome: 'none' });
  } finally {
    stop.dispose();
  }
}

class PostgresConnection implements Connection {
  readonly #pg: Pg;
  readonly #client: Client;
  readonly #setup: ConnectionSetup;
  readonly #lostListeners: Array<() => void> = [];
  /** Number of its process at the server, by which it is stopped. */
  #backend: string | null = null;
  #usable = true;
  #closing = false;

  constructor(pg: Pg, client: Client, setup: ConnectionSetup) {
    this.#pg = pg;
    this.#client = client;
    this.#setup = setup;
    // What breaks a statement is told to that statement; without a listener an idle connection would end the process.
    client.on('error', () => this.drop());
    client.on('end', () => this.drop());
  }

  get inTransaction(): boolean {
    const status = this.#client.getTransactionStatus();
    return status !== null && status !== 'I';
  }

  get usable(): boolean {
    return this.#usable;
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener);
  }

  /** First statements of a new connection. */
  async begin(signal: AbortSignal): Promise<void> {
    const statement = (text: string): Statement => ({ text, parameters: [], maxRows: 1 });
    const { rows } = await this.#execute(statement(sessionSetup), signal, () => this.drop());
    this.#backend = rows[0]?.[0] ?? null;
    await this.#execute(statement(watchClient), signal, () => this.drop()).catch((error) => {
      if (!(error instanceof ServerError)) throw error;
    });
  }

  run(statement: Statement, signal: AbortSignal): Promise<RawResult> {
    return this.#execute(statement, signal, () => this.#cancel());
  }

  async finish(how: 'commit' | 'rollback', signal: AbortSignal): Promise<string> {
    const { command } = await this.#execute({ text: how, parameters: [], maxRows: 1 }, signal, () => this.drop());
    return command;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (!this.#usable) return;
    const timer = this.#setup.clock.after(patienceMs, () => this.drop());
    await this.#client.end();
    timer.cancel();
  }

  /** Gives the connection up at once; a statement in flight fails as lost. */
  drop(): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.#client.connection.stream.destroy();
    if (!this.#closing) for (const listener of this.#lostListeners) listener();
  }

  /** @param interrupt makes the server end the statement soon; what it returns is awaited before the answer counts */
  #execute(
    { text, parameters, maxRows }: Statement,
    signal: AbortSignal,
    interrupt: () => Promise<void> | void,
  ): Promise<RawResult> {
    if (!this.#usable) return Promise.reject(new Interrupted('lost', true));
    if (signal.aborted) return Promise.reject(new Interrupted('stopped', true));
    const rows: Array<ReadonlyArray<string | null>> = [];
    let tooLarge = false;
    let interrupting: Promise<void> | undefined;
    let patience: Timer | undefined;
    const stop = (): void => {
      patience ??= this.#setup.clock.after(patienceMs, () => this.drop());
      interrupting ??= Promise.resolve(interrupt());
    };
    signal.addEventListener('abort', stop, { once: true });

    const config = { text, values: [...parameters], rowMode: 'array' as const, types, queryMode: 'extended' };
    const query = new this.#pg.Query<Array<string | null>>(config);
    const answer = new Promise<RawResult>((resolve, reject) => {
      query.on('row', (row) => {
        if (rows.length < maxRows) return void rows.push(row);
        tooLarge = true;
        stop();
      });
      query.on('error', (error) => reject(error));
      query.on('end', ({ fields, rowCount, command }) =>
        resolve({
          columns: fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })),
          rows,
          count: rowCount ?? 0,
          command,
        }),
      );
    });
    this.#client.query(query);

    const reason = (): Interrupted['reason'] => (tooLarge ? 'too-large' : signal.aborted ? 'stopped' : 'lost');
    return answer
      .then(
        async (result) => {
          if (interrupting === undefined) return result;
          // The server was asked too late. The request may still be under way, so it must not meet the next statement.
          await interrupting;
          this.drop();
          if (tooLarge) throw new Interrupted('too-large', false);
          return result;
        },
        async (error) => {
          await interrupting;
          const refused = isDatabaseError(error) ? serverError(error) : undefined;
          if (refused !== undefined && !endsConnection(refused.sqlState)) {
            if (refused.sqlState === '57014' && interrupting !== undefined) throw new Interrupted(reason(), true);
            throw refused;
          }
          this.drop();
          throw new Interrupted(reason(), false, refused ?? ensureError(error));
        },
      )
      .finally(() => {
        signal.removeEventListener('abort', stop);
        patience?.cancel();
      });
  }

  /** Asks the server, on another connection, to stop what this one runs. */
  async #cancel(): Promise<void> {
    const helper = new this.#pg.Client(this.#setup.address);
    helper.on('error', () => undefined);
    const timer = this.#setup.clock.after(patienceMs, () => helper.connection.stream.destroy());
    try {
      await helper.connect();
      await helper.query('select pg_cancel_backend($1::int)', [this.#backend]);
      await helper.end();
    } catch {
      // Who cannot be asked is left: the server ends the statement when it sees that its client is gone.
      this.drop();
    } finally {
      timer.cancel();
      helper.connection.stream.destroy();
    }
  }
}

/** Everything as text; `columns.ts` makes values of it. */
const types = { getTypeParser: () => (text: string) => text };

function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

function serverError({ code = '', message, constraint, table, column, position }: DatabaseError): ServerError {
  return new ServerError({ sqlState: code, message, constraint, table, column, position });
}

/** Why no connection can be had. */
function unreachable(error: unknown): WeirError {
  if (error instanceof ServerError) return failureOf(error);
  if (isDatabaseError(error)) return failureOf(serverError(error));
  const cause = ensureError(error instanceof Interrupted && error.cause !== undefined ? error.cause : error);
  // The errors of several addresses together have no message of their own.
  const why = cause.message !== '' ? cause.message : 'code' in cause ? String(cause.code) : cause.name;
  return new WeirError(
    why.startsWith('SASL') ? 'WEIR_SQL_LOGIN' : 'WEIR_SQL_UNAVAILABLE',
    { why, outcome: 'none' },
    cause,
  );
}

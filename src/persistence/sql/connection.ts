/**
 * What a driver does: one connection that runs one statement at a time, on texts only. Everything else (values, pool,
 * transactions, deadlines, errors) is the same for all drivers and stands on this seam.
 */

export interface Statement {
  readonly text: string;
  /** As PostgreSQL reads them. */
  readonly parameters: ReadonlyArray<string | null>;
  /** A result with more rows fails with `Interrupted`, reason `too-large`. */
  readonly maxRows: number;
}

export interface Column {
  readonly name: string;
  /** Object id of its type. */
  readonly type: number;
}

export interface RawResult {
  readonly columns: readonly Column[];
  /** As PostgreSQL writes them. */
  readonly rows: ReadonlyArray<ReadonlyArray<string | null>>;
  readonly count: number;
  /** First word of the command tag: `SELECT`, `COMMIT`. */
  readonly command: string;
}

export interface Connection {
  /**
   * Runs one statement. When `signal` aborts, it is stopped in the database, and this settles soon after in any case.
   * @throws ServerError when the database refuses, `Interrupted` when it was stopped or the connection is lost
   */
  run(statement: Statement, signal: AbortSignal): Promise<RawResult>;
  /**
   * Ends the transaction. When `signal` aborts, the connection is given up: a commit is not to be stopped half way.
   * @returns the word in the answer; `ROLLBACK` for a commit that could not be
   * @throws as `run`
   */
  finish(how: 'commit' | 'rollback', signal: AbortSignal): Promise<string>;
  /** Whether a transaction is open after the last statement that succeeded. */
  readonly inTransaction: boolean;
  /** False once it is lost, or in a state that nobody knows. */
  readonly usable: boolean;
  /** Called once, when a connection that was usable is so no more without having been asked to close. */
  onLost(listener: () => void): void;
  close(): Promise<void>;
}

/** A statement that came to no answer of the database. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly reason: 'stopped' | 'lost' | 'too-large';
  /** The database is known to have changed nothing. */
  readonly undone: boolean;

  constructor(reason: Interrupted['reason'], undone: boolean, cause?: Error) {
    super(`the statement was interrupted: ${reason}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.undone = undone;
  }
}

/**
 * Settings that results depend on, put in place when a connection opens. Without parameters, so that every driver can
 * send it as its first statement.
 */
export const sessionSetup = `select pg_backend_pid(),
  set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),
  set_config('IntervalStyle', 'iso_8601', false), set_config('bytea_output', 'hex', false),
  set_config('extra_float_digits', '1', false), set_config('standard_conforming_strings', 'on', false)`;

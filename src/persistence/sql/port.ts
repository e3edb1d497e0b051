/**
 * The SQL port: statements and transactions on a PostgreSQL database.
 *
 * Owns the contract only. Drivers: `openPostgres` (a server, through pg), `openPglite` (PostgreSQL inside the process);
 * `sqlContract` in `weir/testing/contracts` is the suite that each driver passes.
 *
 * Rules that callers rely on:
 * - nothing is retried here: who asks knows what may be repeated, and `sqlFailureClass` says what is worth it;
 * - every statement and transaction ends: by its answer, its deadline, its caller's signal or a lost connection;
 * - an error says in `context.outcome` whether nothing was changed (`none`) or nobody knows (`unknown`);
 * - errors carry names of constraints, tables and columns, never values, statements or credentials;
 * - connections are bounded, and so is the queue for them (W7).
 *
 * ## Values
 * | SQL | as a result | as a parameter |
 * |---|---|---|
 * | null | `null` | `null` |
 * | boolean | `boolean` | `boolean` |
 * | int2, int4, oid, float4, float8 | `number` | `number` |
 * | int8 | `bigint`, always | `bigint`, `number` |
 * | numeric | `string`, exact, as PostgreSQL writes it | `string`, `bigint`, `number` |
 * | text, varchar, char, name, uuid, enums | `string` | `string` |
 * | json, jsonb | what `JSON.parse` makes of it | `{ json: value }` |
 * | bytea | `Uint8Array` | `Uint8Array` |
 * | timestamptz | `Date`; microseconds are cut to milliseconds | `Date` |
 * | date, time, timetz, timestamp, interval | `string`, in ISO 8601 order | `string` |
 * | arrays of these | arrays | arrays |
 * | anything else | `string`, as PostgreSQL writes it | `string`, as PostgreSQL reads it |
 *
 * The session's time zone is UTC. Infinite timestamps and those before the year 1 or after 9999 are no `Date`: select
 * them as text.
 */
import type { Duration } from '../../ports/index.ts';

/** A value for json and jsonb; an array or object alone would be taken for something else. */
export interface SqlJson {
  readonly json: unknown;
}

export type SqlParameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | SqlJson
  | readonly SqlParameter[];

/** Values by the names of columns. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Anything that turns a row into a type or throws; a zod object is one. */
export interface RowParser<Row> {
  parse(row: unknown): Row;
}

export interface SqlResult<Row> {
  readonly rows: readonly Row[];
  /** Rows that the statement returned or changed; 0 for statements that do neither. */
  readonly count: number;
}

export interface StatementOptions {
  /** Deadline from the call on, waiting for a connection included. Default: the driver's, 30 seconds. */
  readonly within?: Duration;
  /** Stops the statement in the database when it aborts. */
  readonly signal?: AbortSignal;
  /** A larger result is refused and never held in memory as a whole. Default 100 000. */
  readonly maxRows?: number;
}

/** What both a database and a transaction of it do. */
export interface SqlStatements {
  /**
   * Runs one statement with parameters `$1`, `$2`, ...; outside a transaction it is one of its own.
   * With `row`, every row is parsed after the statement has taken effect.
   * @throws WeirError
   *   `WEIR_SQL_CONSTRAINT` (context: `kind` unique, foreign-key, not-null, check or exclusion; `constraint`, `table`,
   *   `column` where PostgreSQL names them), `WEIR_SQL_VALUE`, `WEIR_SQL_RAISED`, `WEIR_SQL_RESULT_TOO_LARGE`,
   *   `WEIR_SQL_CANCELLED`: application errors;
   *   `WEIR_SQL_CONFLICT`, `WEIR_SQL_UNAVAILABLE`, `WEIR_SQL_CONNECTION_LOST`, `WEIR_SQL_DEADLINE`, `WEIR_SQL_BUSY`,
   *   `WEIR_SQL_CLOSED`: transient;
   *   `WEIR_SQL_STATEMENT`, `WEIR_SQL_PARAMETER`, `WEIR_SQL_ROW`, `WEIR_SQL_LOGIN`, `WEIR_SQL_FAILED`: fatal.
   */
  query(text: string, parameters?: readonly SqlParameter[], options?: StatementOptions): Promise<SqlResult<SqlRow>>;
  query<Row>(
    text: string,
    parameters: readonly SqlParameter[],
    options: StatementOptions & { readonly row: RowParser<Row> },
  ): Promise<SqlResult<Row>>;
}

/**
 * A transaction that is open. Its statements run one after the other, in the order of the calls. After the first that
 * fails every other is refused and the transaction is rolled back, whatever its work makes of the error.
 */
export type SqlTransaction = SqlStatements;

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions {
  /** Default `read committed`. The others fail with `WEIR_SQL_CONFLICT` where transactions meet. */
  readonly isolation?: Isolation;
  /** Default false. */
  readonly readOnly?: boolean;
  /** Deadline of the whole transaction, up to its commit. Default: the driver's, 60 seconds. */
  readonly within?: Duration;
  /** Rolls the transaction back when it aborts. */
  readonly signal?: AbortSignal;
}

export interface SqlHealth {
  readonly state: 'ok' | 'down';
  /** Why no connection can be had. */
  readonly error?: Error;
  /** Since when, in milliseconds of the clock. */
  readonly since?: number;
}

export interface Sql extends SqlStatements {
  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it throws. It holds a connection until
   * then, so `work` uses nothing but its transaction: a statement beside it may wait for the very connection it holds.
   * A commit whose answer is lost fails with the outcome `unknown`.
   * @throws what `work` throws, and what statements throw
   */
  transaction<Result>(
    work: (transaction: SqlTransaction) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /** As of the last attempt to connect. While the database is down the driver keeps trying by itself. */
  health(): SqlHealth;
  onHealth(listener: (health: SqlHealth) => void): void;
  /**
   * Refuses new work at once, lets what runs come to its end within the driver's `closeWithin`, stops the rest, then
   * lets go of connections and files. An open database keeps its process alive.
   */
  close(): Promise<void>;
}

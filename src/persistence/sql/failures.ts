/**
 * What went wrong, in the words of the catalogue: the states of PostgreSQL (SQLSTATE) sorted into what a caller can do.
 * Owns, too, that no value and no literal of a statement gets into an error.
 */
import { type ErrorCode, type ErrorContext, WeirError } from '../../errors/index.ts';

/** `none`: the database has changed nothing. `unknown`: it may have changed everything, or nothing. */
export type Outcome = 'none' | 'unknown';

/** What a database says when it refuses. Keeps names, drops details and hints: those quote values. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  /** Five characters, for instance `23505`. */
  readonly sqlState: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  /** Character of the statement, from 1. */
  readonly position: string | undefined;

  constructor(fields: ServerErrorFields) {
    super(safeMessage(fields));
    this.sqlState = fields.sqlState;
    this.constraint = fields.constraint;
    this.table = fields.table;
    this.column = fields.column;
    this.position = fields.position;
  }
}

export interface ServerErrorFields {
  readonly sqlState: string;
  readonly message: string;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly position?: string | undefined;
}

/** How a caller should take a failure: try again later, tell whoever asked, or have it mended. */
export type SqlFailureClass = 'transient' | 'application' | 'fatal';

const classes: Partial<Record<ErrorCode, SqlFailureClass>> = {
  WEIR_SQL_BUSY: 'transient',
  WEIR_SQL_CLOSED: 'transient',
  WEIR_SQL_CONFLICT: 'transient',
  WEIR_SQL_CONNECTION_LOST: 'transient',
  WEIR_SQL_DEADLINE: 'transient',
  WEIR_SQL_UNAVAILABLE: 'transient',
  WEIR_SQL_CANCELLED: 'application',
  WEIR_SQL_CONSTRAINT: 'application',
  WEIR_SQL_RAISED: 'application',
  WEIR_SQL_RESULT_TOO_LARGE: 'application',
  WEIR_SQL_VALUE: 'application',
};

/** The class of anything that a `Sql` threw; what it does not know is fatal. */
export function sqlFailureClass(error: unknown): SqlFailureClass {
  return (WeirError.is(error) ? classes[error.code] : undefined) ?? 'fatal';
}

/** The refusal of a database as callers hear it. Nothing was changed by what was refused. */
export function failureOf(error: ServerError): WeirError {
  const fail = (code: ErrorCode, context: ErrorContext = {}): WeirError =>
    new WeirError(code, { sqlState: error.sqlState, outcome: 'none', ...context }, error);
  const why = error.message;
  const constraint = constraintKinds[error.sqlState];
  if (constraint !== undefined) {
    const { table, column } = error;
    const name = error.constraint ?? (column === undefined ? '' : `on column ${column}`);
    const what = `${constraint} constraint ${name}${table === undefined ? '' : ` of ${table}`}`;
    return fail('WEIR_SQL_CONSTRAINT', { kind: constraint, constraint: error.constraint, table, column, what });
  }
  switch (error.sqlState) {
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
    case '55P03': // lock_not_available
      return fail('WEIR_SQL_CONFLICT', { why });
    case '57014': // query_canceled, by a limit or an operator of the database
      return fail('WEIR_SQL_DEADLINE', { what: 'a statement', limit: 'the limit of the database' });
    case '53300': // too_many_connections
    case '57P03': // cannot_connect_now
      return fail('WEIR_SQL_UNAVAILABLE', { why });
    case '3D000': // invalid_catalog_name
      return fail('WEIR_SQL_LOGIN', { why });
    case 'P0001': // raise_exception
      return fail('WEIR_SQL_RAISED', { why });
  }
  switch (error.sqlState.slice(0, 2)) {
    case '22': // data exception
      return fail('WEIR_SQL_VALUE', { why });
    case '28': // invalid authorization
      return fail('WEIR_SQL_LOGIN', { why });
    case '53': // insufficient resources
      return fail('WEIR_SQL_UNAVAILABLE', { why });
    case '58': // system error
    case 'XX': // internal error
      return fail('WEIR_SQL_FAILED', { why });
    default:
      return fail('WEIR_SQL_STATEMENT', { why: `${why}${at(error.position)}` });
  }
}

/** States in which the connection is no more. 08P01 only says that parameters do not fit their statement. */
export function endsConnection(sqlState: string): boolean {
  return /^(?:08(?!P01)...|57P0[1245]|25P03)$/.test(sqlState);
}

const constraintKinds: Readonly<Record<string, string>> = {
  '23502': 'not-null',
  '23503': 'foreign-key',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
};

/** Messages of this class quote the value, so its states are named here instead. */
const dataFaults: Readonly<Record<string, string>> = {
  '22001': 'a text is too long for its column',
  '22003': 'a number is out of range',
  '22007': 'a date or time cannot be read',
  '22008': 'a date or time is out of range',
  '22012': 'a division by zero',
  '22021': 'a text is not of the encoding of the database',
  '22023': 'a value is not allowed for its parameter',
  '22026': 'the length of a bit string does not fit',
  '22P02': 'a value cannot be read as its type',
  '22P03': 'a binary value cannot be read as its type',
};

function safeMessage({ sqlState, message }: ServerErrorFields): string {
  if (sqlState.startsWith('22')) return dataFaults[sqlState] ?? `a value is refused (${sqlState})`;
  // A syntax error points at what stands there, and that may be a literal.
  return message.replace(/(at or near )"'.*$/s, '$1a literal').replace(/'[^']*'/g, "'...'");
}

function at(position: string | undefined): string {
  return position === undefined ? '' : ` at character ${position}`;
}

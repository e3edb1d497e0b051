/** Errors: what the SQL port answers. */
import type { CatalogueArea } from './entry.ts';

export const sql = {
  WEIR_SQL_UNAVAILABLE: {
    message: 'the database cannot be reached: {why}',
    remedy: 'see that it runs and takes connections; nothing was changed, and the node keeps trying',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_CONNECTION_LOST: {
    message: 'the connection to the database was lost: {what}',
    remedy: 'try again; where the outcome is unknown, look first, or repeat only what may take effect twice',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_BUSY: {
    message: 'all {max} connections to the database are in use, and {waiting} callers wait for one',
    remedy: 'slow down and try again later',
    status: 429,
    retryable: true,
  },
  WEIR_SQL_DEADLINE: {
    message: '{what} did not finish within {limit}',
    remedy: 'see what it waits for in the database, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_CANCELLED: {
    message: '{what} was cancelled by its caller',
    remedy: 'nothing to do',
    status: 409,
  },
  WEIR_SQL_CONFLICT: {
    message: 'a transaction met another one and was rolled back: {why}',
    remedy: 'run the whole transaction again',
    status: 409,
    retryable: true,
  },
  WEIR_SQL_CONSTRAINT: {
    message: 'the {what} refuses the change',
    remedy: 'correct what is written; nothing was changed',
    status: 409,
  },
  WEIR_SQL_VALUE: {
    message: 'the database cannot take a value: {why}',
    remedy: 'correct the value; nothing was changed',
    status: 400,
  },
  WEIR_SQL_RAISED: {
    message: 'the database refuses: {why}',
    remedy: 'see the function or trigger that raised it; nothing was changed',
    status: 409,
  },
  WEIR_SQL_RESULT_TOO_LARGE: {
    message: 'the result has more than {maxRows} rows',
    remedy: 'ask for fewer rows at a time, or raise maxRows',
    status: 413,
  },
  WEIR_SQL_STATEMENT: {
    message: 'a statement is wrong: {why}',
    remedy: 'correct the statement',
    status: 500,
  },
  WEIR_SQL_PARAMETER: {
    message: 'parameter {position} cannot be sent: {why}',
    remedy: 'see the table of values at the SQL port; nothing was sent',
    status: 500,
  },
  WEIR_SQL_ROW: {
    message: 'a result is not what was expected: {why}',
    remedy: 'correct the statement or the schema of its rows; the statement itself has taken effect',
    status: 500,
  },
  WEIR_SQL_LOGIN: {
    message: 'the database does not let this node in: {why}',
    remedy: 'correct user, password, database or the rights of the user',
    status: 500,
  },
  WEIR_SQL_FAILED: {
    message: 'the database failed: {why}',
    remedy: 'see the cause, and the log of the database',
    status: 500,
  },
  WEIR_SQL_CLOSED: {
    message: 'the database is closed',
    remedy: 'open it again, or start the node again',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_IN_USE: {
    message: 'the database directory {directory} is in use by another process',
    remedy: 'stop the other process, or choose another directory',
    status: 503,
  },
  WEIR_SQL_DIRECTORY: {
    message: 'the database directory {directory} cannot be used: {why}',
    remedy: 'name a directory that this process may make and write; nothing was started',
    status: 500,
  },
  WEIR_SQL_MAYBE_LOST: {
    message: 'the machine went down while the database in {directory} was open; its last changes may be lost or torn',
    remedy: 'restore a backup, or look at its tables and open it once with acceptLoss; nothing was started',
    status: 500,
  },
} as const satisfies CatalogueArea;

/** One statement on one connection: parameters in, rows out, and every failure in the words of the catalogue. */
import { ensureError, messageOf, WeirError } from '../../errors/index.ts';
import { decodeRows } from './columns.ts';
import { type Connection, Interrupted, type RawResult } from './connection.ts';
import { failureOf, type Outcome, ServerError } from './failures.ts';
import { encodeParameters } from './parameters.ts';
import type { RowParser, SqlParameter, SqlResult, StatementOptions } from './port.ts';

export interface StatementInput {
  readonly text: string;
  readonly parameters: readonly SqlParameter[];
  readonly options: StatementOptions & { readonly row?: RowParser<unknown> };
}

/** Why and when something is stopped. */
export interface Stopping {
  readonly signal: AbortSignal;
  failure(outcome: Outcome): WeirError;
}

const defaultMaxRows = 100_000;

/** @param lost what is known of the outcome when the connection is lost, or does not say */
export async function runOn(
  connection: Connection,
  { text, parameters, options }: StatementInput,
  stop: Stopping,
  lost: Outcome,
): Promise<RawResult> {
  const { maxRows = defaultMaxRows } = options;
  const statement = { text, parameters: encodeParameters(parameters), maxRows };
  try {
    return await connection.run(statement, stop.signal);
  } catch (error) {
    throw refusalOf(error, stop, lost, maxRows);
  }
}

/** Anything that a connection threw, for the caller. */
export function refusalOf(error: unknown, stop: Stopping, lost: Outcome, maxRows = defaultMaxRows): WeirError {
  if (error instanceof ServerError) return failureOf(error);
  if (!(error instanceof Interrupted)) {
    return new WeirError('WEIR_SQL_FAILED', { why: 'the driver failed', outcome: lost }, ensureError(error));
  }
  const outcome = error.undone ? 'none' : lost;
  switch (error.reason) {
    case 'stopped':
      return stop.failure(outcome);
    case 'too-large':
      return new WeirError('WEIR_SQL_RESULT_TOO_LARGE', { maxRows, outcome });
    case 'lost': {
      const what = outcome === 'none' ? 'nothing was changed' : 'whether the last statement took effect is unknown';
      return new WeirError('WEIR_SQL_CONNECTION_LOST', { what, outcome }, error.cause);
    }
  }
}

/** @throws WeirError `WEIR_SQL_ROW` */
export function resultOf(raw: RawResult, row: RowParser<unknown> | undefined): SqlResult<unknown> {
  const rows = decodeRows(raw);
  return { rows: row === undefined ? rows : rows.map((one, index) => parse(one, index, row)), count: raw.count };
}

function parse(one: unknown, index: number, row: RowParser<unknown>): unknown {
  try {
    return row.parse(one);
  } catch (error) {
    throw new WeirError('WEIR_SQL_ROW', { why: `row ${index + 1}: ${messageOf(error)}` }, error);
  }
}

/** What the cases of the SQL port's contract suite share: fresh tables, gates, errors to look at. Owns no cases. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { ErrorCode } from '../../errors/index.ts';
import { WeirError } from '../../errors/index.ts';
import { type Sql, type SqlParameter, sqlFailureClass } from '../../persistence/index.ts';

let tables = 0;

/** Makes a table with these columns, under a name that no other test has. */
export async function makeTable(sql: Sql, columns: string): Promise<string> {
  tables += 1;
  const name = `contract_${tables}`;
  await sql.query(`create table ${name} (${columns})`);
  return name;
}

/** The value of one parameter after a journey to the database and back. */
export async function roundTrip(sql: Sql, type: string, value: SqlParameter): Promise<unknown> {
  const { rows } = await sql.query(`select $1::${type} as value`, [value]);
  return rows[0]?.value;
}

/** The first value of the first row. */
export async function firstValue(
  sql: Pick<Sql, 'query'>,
  text: string,
  parameters: readonly SqlParameter[] = [],
): Promise<unknown> {
  const { rows } = await sql.query(text, parameters);
  return Object.values(rows[0] ?? {})[0];
}

/** The error that something fails with. */
export async function failureOf(work: Promise<unknown>): Promise<WeirError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!WeirError.is(error)) throw new Error(`expected a WeirError, got ${inspect(error)}`);
  return error;
}

export async function expectCode(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  expect((await failureOf(work)).code).toBe(code);
}

/** Tries again what failed for the moment, as callers do. */
export async function untilItWorks<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = 1_000; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || sqlFailureClass(error) !== 'transient') throw error;
    }
  }
}

/** Transactions that hold a connection each, from the moment this resolves until they are let go. */
export async function holdConnections(sql: Sql, count: number) {
  const gate = Promise.withResolvers<void>();
  const transactions = Array.from({ length: count }, () => {
    const held = Promise.withResolvers<void>();
    const done = sql.transaction(async (tx) => {
      await tx.query('select 1');
      held.resolve();
      await gate.promise;
    });
    done.catch(held.reject);
    return { held: held.promise, done };
  });
  await Promise.all(transactions.map(({ held }) => held));
  return {
    /** Ends all of them. */
    letGo: async () => {
      gate.resolve();
      await Promise.all(transactions.map(({ done }) => done));
    },
  };
}

/**
 * The contract of the SQL port as a suite of tests that each driver passes.
 *
 * Owns the order of the parts; their cases stand in files of their own. What is special to a driver (a server that is
 * away, its files, its settings) is tested beside it. Call it at the top level of a vitest file, or in a `describe`.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import type { MakeSqlDriver, SqlDriver } from './sql-driver.ts';
import { sqlErrorCases } from './sql-error-cases.ts';
import { sqlLifeCases } from './sql-life-cases.ts';
import { sqlTransactionCases } from './sql-transaction-cases.ts';
import { sqlValueCases } from './sql-value-cases.ts';

/** Runs the contract suite of the SQL port over one driver. Most of its cases share one database. */
export function sqlContract(name: string, makeDriver: MakeSqlDriver): void {
  describe(`${name}: contract of the SQL port`, () => {
    let shared: SqlDriver | undefined;
    beforeAll(async () => {
      shared = await makeDriver({});
    });
    afterAll(() => shared?.dispose());
    const driver = (): SqlDriver => {
      if (shared === undefined) throw new Error('the driver is there once tests run');
      return shared;
    };

    sqlValueCases(() => driver().sql);
    sqlErrorCases(driver);
    sqlTransactionCases(driver);
    sqlLifeCases(driver, makeDriver);
  });
}

/**
 * Suites that every driver of a port passes, for people who write drivers: the door of `weir/testing/contracts`.
 * They are written with vitest, which the project that runs them brings.
 * @module weir/testing/contracts
 */
export type {
  Isolation,
  RowParser,
  Sql,
  SqlFailureClass,
  SqlHealth,
  SqlJson,
  SqlParameter,
  SqlResult,
  SqlRow,
  SqlSettings,
  SqlStatements,
  SqlTransaction,
  StatementOptions,
  TransactionOptions,
} from '../../persistence/index.ts';
export { sqlFailureClass } from '../../persistence/index.ts';
export type { Clock, Duration, Logger, Timer } from '../../ports/index.ts';
export type { Log } from '../../transport/log/index.ts';
export type { ClockDriver } from './clock-contract.ts';
export { clockContract } from './clock-contract.ts';
export type { LogDriver } from './log-contract.ts';
export { logContract } from './log-contract.ts';
export { sqlContract } from './sql-contract.ts';
export type { MakeSqlDriver, SqlDriver } from './sql-driver.ts';

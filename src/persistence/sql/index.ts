export type { SqlSettings } from './database.ts';
export type { SqlFailureClass } from './failures.ts';
export { sqlFailureClass } from './failures.ts';
export type { PgliteSettings, PgliteSetup } from './pglite/open.ts';
export { openPglite } from './pglite/open.ts';
export type {
  Isolation,
  RowParser,
  Sql,
  SqlHealth,
  SqlJson,
  SqlParameter,
  SqlResult,
  SqlRow,
  SqlStatements,
  SqlTransaction,
  StatementOptions,
  TransactionOptions,
} from './port.ts';
export type { PostgresSettings, PostgresSetup } from './postgres/open.ts';
export { openPostgres } from './postgres/open.ts';

/** What the contract suite of the SQL port wants to know of a driver. */
import type { Sql, SqlSettings } from '../../persistence/index.ts';

export interface SqlDriver {
  /** On a database whose public schema can be written. */
  readonly sql: Sql;
  /** Most connections that it has open at a time. */
  readonly connections: number;
  /** What no error may contain: passwords and the like. */
  readonly secrets: readonly string[];
  /** Breaks every connection that is open, as a crash would; the database lets new ones in. */
  breakConnection(): Promise<void>;
  /** Closes what is still open and lets go of the rest. */
  dispose(): Promise<void>;
}

/** A fresh database for each call; few settings are given, and only for some of the cases. */
export type MakeSqlDriver = (settings: SqlSettings) => Promise<SqlDriver>;

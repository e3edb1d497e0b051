/** The driver for a PostgreSQL server, version 14 or later, on `pg`. Owns its settings and how a connection is made. */
import { type Clock, type Duration, type Logger, silentLogger, toMs } from '../../../ports/index.ts';
import { Database, type SqlSettings } from '../database.ts';
import type { Sql } from '../port.ts';
import { openConnection } from './connection.ts';

export interface PostgresSettings extends SqlSettings {
  /** Name or address of the server, or the directory of its Unix socket. */
  readonly host: string;
  /** Default 5432. */
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  /** A function is asked for each connection, so that a password may change while the node runs. Default: none. */
  readonly password?: string | (() => Promise<string>);
  /** TLS, with the certificates (PEM) of the authorities to trust; `true` trusts those of Node. Default false. */
  readonly tls?: boolean | { readonly ca: string };
  /** Most connections at a time. Default 10. */
  readonly maxConnections?: number;
  /** Deadline for one attempt to connect. Default 5 seconds. */
  readonly connectWithin?: Duration;
  /** How the server lists these connections. Default `weir`. */
  readonly applicationName?: string;
}

export interface PostgresSetup extends PostgresSettings {
  readonly clock: Clock;
  /** Default: no log. */
  readonly logger?: Logger;
}

/**
 * Opens a database on a PostgreSQL server. It resolves after one attempt to connect; a server that cannot be reached yet
 * is no error: `health` says so, statements fail with `WEIR_SQL_UNAVAILABLE`, and the driver keeps trying.
 * Nothing is taken from the environment (`PGHOST`, `PGPASSWORD`, `~/.pgpass`). Statements go unnamed, so a pooler in
 * front of the server has to keep a client on one connection (session mode).
 *
 * A statement that has to stop is cancelled by `pg_cancel_backend` from a connection of its own; when that brings no
 * answer, the connection is dropped.
 */
export async function openPostgres(setup: PostgresSetup): Promise<Sql> {
  const { clock, logger = silentLogger, password = '', tls = false, connectWithin = 5_000 } = setup;
  const address = {
    host: setup.host,
    port: setup.port ?? 5432,
    database: setup.database,
    user: setup.user,
    // Always a function: pg would look for a missing password in the environment and in files.
    password: typeof password === 'string' ? () => password : password,
    ssl: tls === true ? {} : tls,
    application_name: setup.applicationName ?? 'weir',
    keepAlive: true,
  };
  const database = new Database({
    clock,
    logger,
    settings: setup,
    maxConnections: setup.maxConnections ?? 10,
    open: () => openConnection({ address, clock, withinMs: toMs(connectWithin) }),
  });
  await database.reach();
  return database;
}

/** Databases for the tests of the SQL drivers. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  openPglite,
  openPostgres,
  type PgliteSetup,
  type PostgresSetup,
  type Sql,
} from '../../../src/persistence/index.ts';
import { systemClock } from '../../../src/ports/index.ts';
import type { PostgresRig } from '../../rig/postgres.ts';

export function openOn(rig: PostgresRig, settings: Partial<PostgresSetup> = {}): Promise<Sql> {
  const { host, port, database, user, password } = rig;
  return openPostgres({ host, port, database, user, password, clock: systemClock(), ...settings });
}

export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'weir-sql-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Databases in fresh directories. Making the first takes seconds; the others start as copies of it. */
export function pgliteDirectories() {
  const home = temporaryDirectory();
  const template = join(home.path, 'template');
  let copies = 0;
  return {
    make: async (): Promise<void> => {
      const sql = await openPglite({ directory: template, clock: systemClock() });
      await sql.close();
    },
    fresh: (): string => {
      copies += 1;
      const directory = join(home.path, String(copies));
      cpSync(template, directory, { recursive: true });
      return directory;
    },
    remove: () => home.remove(),
  };
}

/** A way to start the thread of PGlite, and to end the one that runs. */
export function endableThread() {
  let newest: Worker | undefined;
  const startThread: NonNullable<PgliteSetup['startThread']> = (module, data) => {
    newest = new Worker(module, { workerData: data, env: {}, execArgv: [], stdout: true, stderr: true });
    return newest;
  };
  return { startThread, end: async () => void (await newest?.terminate()) };
}

/** A PostgreSQL cluster in a directory of its own, on loopback and a free port; it never runs as root. */
import { execFileSync, spawn } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMsOf, freePort, stop, until } from './processes.ts';

export interface Postgres {
  readonly url: string;
  readonly version: string;
  readonly cpuMs: () => number;
  readonly stop: () => Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  const bin = execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
  const version = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim();
  const directory = await mkdtemp(join(tmpdir(), 'weir-bench-postgres-'));
  const user = userFor();
  if (user.uid !== undefined) await chown(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory };
  execFileSync(join(bin, 'initdb'), ['-D', join(directory, 'data'), '-U', 'bench', '--auth=trust', '--encoding=UTF8'], {
    ...options,
    stdio: 'ignore',
  });
  const port = await freePort();
  const settings = ['-c', 'unix_socket_directories=', '-c', 'fsync=on', '-c', 'synchronous_commit=on'];
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', join(directory, 'data'), '-h', '127.0.0.1', '-p', String(port), ...settings],
    { ...options, stdio: 'ignore' },
  );
  const where = ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench'];
  await until(
    async () => void execFileSync(join(bin, 'createdb'), [...where, 'bench'], { ...options, stdio: 'ignore' }),
  );
  return {
    url: `postgresql://bench@127.0.0.1:${port}/bench`,
    version,
    cpuMs: () => cpuMsOf(server.pid),
    async stop() {
      // SIGINT: sessions are cut, the server ends in order.
      await stop(server, 'SIGINT');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then as the user of its package, else as nobody. */
function userFor(): { readonly uid: number; readonly gid: number } | { readonly uid?: never; readonly gid?: never } {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user here; the next one may be there.
    }
  }
  return {};
}

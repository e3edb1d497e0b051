/**
 * A real PostgreSQL server on loopback, for tests. Owns its processes: start, clean stop, SIGKILL, restart on the same
 * data. It dies with the process that started it, however that ends.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface PostgresRig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Starts a server that was stopped or killed, on its data. */
  start(): Promise<void>;
  /** A clean stop that ends all sessions. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Runs SQL beside the driver under test, in a session of its own; answers lines of unaligned columns. */
  run(sql: string): Promise<string>;
  isRunning(): boolean;
  /** What the server has printed, its newest part. */
  output(): string;
  /** Kills the server and removes its data. */
  close(): Promise<void>;
}

const keptOutput = 100_000;
const startAttempts = 50;

/** Why no server can be started here; undefined when one can. */
export function postgresMissing(): string | undefined {
  try {
    return existsSync(join(binaries(), 'initdb')) ? undefined : 'PostgreSQL has no initdb here: install its server';
  } catch {
    return 'there is no pg_config: install PostgreSQL and its development package';
  }
}

/** Makes a server with one user, who needs a password; resolves when it serves. */
export async function startPostgres(): Promise<PostgresRig> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-postgres-'));
  const account = accountOf(directory);
  const password = randomBytes(12).toString('hex');
  const [user, host, database] = ['weir', '127.0.0.1', 'postgres'];
  const port = await freePort();
  const data = join(directory, 'data');
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password);
  if (account.uid !== undefined) chownSync(passwordFile, account.uid, account.gid ?? account.uid);
  const initdb = ['-D', data, '-U', user, '--pwfile', passwordFile, '--auth=scram-sha-256', '-E', 'UTF8', '--no-sync'];
  await promisify(execFile)(join(binaries(), 'initdb'), [...initdb, '--locale=C.UTF-8'], account);

  const settings = {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: directory,
    max_connections: '40',
    // A killed process loses nothing that was written, synced or not.
    fsync: 'off',
    deadlock_timeout: '50ms',
  };
  const server = new Server(
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    account,
  );
  const close = async (): Promise<void> => {
    await server.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...{ host, port, database, user, password, close },
    start: () => server.start(),
    // Fast: sessions are ended, transactions rolled back.
    stop: () => server.end('SIGINT'),
    kill: () => server.end('SIGKILL'),
    run: async (sql) => {
      const env = { PATH: process.env.PATH, PGPASSWORD: password };
      const address = ['-h', host, '-p', String(port), '-U', user, '-d', database];
      const { stdout } = await promisify(execFile)(join(binaries(), 'psql'), [...address, '-XAtq', '-c', sql], { env });
      return stdout.trim();
    },
    isRunning: () => server.isRunning,
    output: () => server.output,
  };
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

class Server {
  readonly #command: readonly string[];
  readonly #account: Account;
  #process: ChildProcess | undefined;
  output = '';

  constructor(command: readonly string[], account: Account) {
    this.#command = command;
    this.#account = account;
  }

  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.output = '';
      if (await this.#serves()) return;
      // The children of a killed server end a moment after it, and hold its memory until then.
      const heldYet = this.output.includes('still in use') || this.output.includes('already in use');
      if (!heldYet || attempt === startAttempts) throw new Error(`PostgreSQL does not start:\n${this.output}`);
    }
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  async end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const server = this.#process;
    if (server === undefined) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }

  #serves(): Promise<boolean> {
    if (this.#process !== undefined) throw new Error('the server runs already');
    const server = spawn(join(binaries(), 'postgres'), [...this.#command], {
      ...this.#account,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const watcher = watch(server);
    this.#process = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('exit', () => {
        watcher.kill('SIGKILL');
        this.#process = undefined;
        resolve(false);
      });
      server.stderr.setEncoding('utf8');
      server.stderr.on('data', (text: string) => {
        this.output = (this.output + text).slice(-keptOutput);
        if (text.includes('ready to accept connections')) resolve(true);
      });
    });
  }
}

/** Kills the server when this process ends without having done so: its end closes the pipe that the watcher reads. */
function watch(server: ChildProcess): ChildProcess {
  const script = 'read _; kill -9 "$1" 2>/dev/null';
  const stdio: ['pipe', 'ignore', 'ignore'] = ['pipe', 'ignore', 'ignore'];
  return spawn('sh', ['-c', script, 'watch', String(server.pid)], { stdio, detached: true });
}

function binaries(): string {
  return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** PostgreSQL refuses to run as root, so root runs it as another user, to whom the directory then belongs. */
function accountOf(directory: string): Account {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  const account = { uid: idOf('-u'), gid: idOf('-g') };
  chownSync(directory, account.uid, account.gid);
  mkdirSync(join(directory, 'data'), { mode: 0o700 });
  chownSync(join(directory, 'data'), account.uid, account.gid);
  return account;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

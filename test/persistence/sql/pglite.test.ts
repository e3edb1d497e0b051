/** What is special to PGlite: its directory, its thread, and what it survives. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPglite, type PgliteSetup, type Sql } from '../../../src/persistence/index.ts';
import { systemClock } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/virtual-clock.ts';
import { endableThread, pgliteDirectories, temporaryDirectory } from './support.ts';

const directories = pgliteDirectories();
beforeAll(() => directories.make());
afterAll(() => directories.remove());

const clock = systemClock();
const committer = fileURLToPath(new URL('./committer.ts', import.meta.url));
const open = async (directory: string, settings: Partial<PgliteSetup> = {}): Promise<Sql> => {
  const sql = await openPglite({ directory, clock, ...settings });
  onTestFinished(() => sql.close());
  return sql;
};
const count = async (sql: Sql): Promise<unknown> => (await sql.query('select count(*) as count from numbers')).rows[0];

describe('PGlite driver: the directory', () => {
  it('finds everything again after it was closed', async () => {
    const directory = directories.fresh();
    const first = await open(directory);
    await first.query('create table numbers (n int)');
    await first.query('insert into numbers select * from generate_series(1, 1000)');
    await first.close();
    expect(await count(await open(directory))).toEqual({ count: 1000n });
  });

  it('finds everything that was committed after its process was killed', async () => {
    const directory = directories.fresh();
    const child = spawn(process.execPath, [committer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.split('\n').length > 300) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'exit');
    const acknowledged = Number(printed.split('\n').at(-2));
    expect([signal, acknowledged >= 300]).toEqual(['SIGKILL', true]);
    const { rows } = await (await open(directory)).query('select max(n) as highest, count(*) as count from numbers');
    // The last commit may have come to no word of it.
    expect([acknowledged, acknowledged + 1]).toContain(rows[0]?.highest);
    expect(rows[0]?.count).toBe(BigInt(Number(rows[0]?.highest)));
  });

  it('is made anew when its process ended before it was made', async () => {
    const [home, thread] = [temporaryDirectory(), endableThread()];
    onTestFinished(() => home.remove());
    mkdirSync(join(home.path, 'tables.new'));
    writeFileSync(join(home.path, 'tables.new', 'half'), '');
    const startThread: PgliteSetup['startThread'] = (module, data) => {
      // As PGlite does, but in no time.
      if (data.directory.endsWith('.new'))
        cpSync(join(directories.fresh(), 'tables'), data.directory, { recursive: true });
      return thread.startThread(module, data);
    };
    const sql = await open(home.path, { startThread });
    expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(existsSync(join(home.path, 'tables', 'half'))).toBe(false);
  });

  it('is refused to a second opener, of this process and of another', async () => {
    const directory = directories.fresh();
    const sql = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({ code: 'WEIR_SQL_IN_USE' });
    const child = spawn(process.execPath, [committer, directory], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(child, 'close');
    expect(said).toContain('WEIR_SQL_IN_USE');
    expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it.each([
    ['is a file', (path: string) => writeFileSync(path, '')],
    ['lies in a file', (path: string) => writeFileSync(join(path, '..'), '')],
  ])('cannot be used when it %s', async (_name, make) => {
    const home = temporaryDirectory();
    onTestFinished(() => home.remove());
    const path = join(home.path, 'in', 'database');
    if (_name === 'is a file') mkdirSync(join(home.path, 'in'));
    make(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'WEIR_SQL_DIRECTORY' });
  });

  it('says so when PGlite cannot read its tables, and lets go of the directory', async () => {
    const directory = directories.fresh();
    writeFileSync(join(directory, 'tables', 'global', 'pg_control'), 'nonsense');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open(directory)).rejects.toMatchObject({ code: 'WEIR_SQL_FAILED' });
    }
  });
});

describe('PGlite driver: the machine', () => {
  const bootedAs = (name: string) => ({ bootId: async () => name });

  /** A database that was open when its machine went down: its process is gone, and the mark is there. */
  const leftOpen = async (): Promise<string> => {
    const directory = directories.fresh();
    await (await open(directory, bootedAs('monday'))).close();
    writeFileSync(join(directory, 'open'), 'monday');
    return directory;
  };

  it('DB16 refuses what was open when the machine went down, until the loss is accepted', async () => {
    const directory = await leftOpen();
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open(directory, bootedAs('tuesday'))).rejects.toMatchObject({ code: 'WEIR_SQL_MAYBE_LOST' });
    }
    await (await open(directory, { ...bootedAs('tuesday'), acceptLoss: true })).close();
    await open(directory, bootedAs('wednesday'));
  });

  it('opens what was open when only its process ended', async () => {
    await open(await leftOpen(), bootedAs('monday'));
  });

  it('opens after a new start what was closed before', async () => {
    const directory = directories.fresh();
    await (await open(directory, bootedAs('monday'))).close();
    await open(directory, bootedAs('tuesday'));
  });
});

describe('PGlite driver: the thread', () => {
  it('W5 leaves the loop to others while a statement runs', async () => {
    const sql = await open(directories.fresh());
    const caller = new AbortController();
    let ended = false;
    const running = sql.query('select pg_sleep(3600)', [], { signal: caller.signal }).catch(() => {
      ended = true;
    });
    for (let turn = 0; turn < 10_000; turn++) await new Promise<void>((resolve) => clock.soon(resolve));
    expect(ended).toBe(false);
    caller.abort();
    await running;
  });

  it('DB7 is down when its thread cannot start again, says so, and is well when it can', async () => {
    const thread = endableThread();
    const time = virtualClock();
    let broken = false;
    const startThread: PgliteSetup['startThread'] = (module, data) =>
      thread.startThread(module, broken ? { directory: '/dev/null/nowhere' } : data);
    const sql = await open(directories.fresh(), { clock: time, startThread });
    broken = true;
    const down = new Promise((resolve) => sql.onHealth(resolve));
    await thread.end();
    expect(await down).toMatchObject({ state: 'down', error: { code: 'WEIR_SQL_FAILED' } });
    await expect(sql.query('select 1')).rejects.toMatchObject({ code: 'WEIR_SQL_FAILED' });
    broken = false;
    expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(sql.health()).toEqual({ state: 'ok' });
  });
});

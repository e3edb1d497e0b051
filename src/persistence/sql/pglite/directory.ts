/**
 * The directory of a PGlite database: that one process has it, and whether the machine went down while it was open.
 *
 * PGlite locks nothing and never forces a write to disk. So a lock of the operating system guards the directory; a mark
 * that names the running system stands in it while the database is open, and goes only after everything was forced to
 * disk. A mark of an earlier start of the machine means that writes may be missing.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, WeirError } from '../../../errors/index.ts';

export interface DirectoryClaim {
  /** Where the tables are. */
  readonly tables: string;
  /** Makes the tables when there are none; a process that ends half way through leaves none. */
  makeTables(make: (path: string) => Promise<void>): Promise<void>;
  /** Forces everything to disk and gives the directory up; the database is closed by now. */
  release(): Promise<void>;
}

export interface DirectorySetup {
  readonly directory: string;
  /** Opens it although the machine went down. */
  readonly acceptLoss: boolean;
  /** Names the running start of the machine; undefined where the system has no such name. */
  readonly bootId: () => Promise<string | undefined>;
}

const markName = 'open';

/** A new database has a thousand files: one by one they take seconds, together the disk takes them at once. */
const forcedTogether = 16;

/** @throws WeirError `WEIR_SQL_IN_USE`, `WEIR_SQL_DIRECTORY`, `WEIR_SQL_MAYBE_LOST` */
export async function claimDirectory({ directory, acceptLoss, bootId }: DirectorySetup): Promise<DirectoryClaim> {
  const lock = await lockDirectory(directory);
  try {
    const mark = join(directory, markName);
    const boot = await bootId();
    const found = await readMark(mark);
    if (found !== undefined && boot !== undefined && found !== boot && !acceptLoss) {
      throw new WeirError('WEIR_SQL_MAYBE_LOST', { directory });
    }
    const since = await writeMark(mark, directory, boot ?? '');
    const tables = join(directory, 'tables');
    return {
      tables,
      makeTables: async (make) => {
        if (existsSync(tables)) return;
        const unfinished = `${tables}.new`;
        await rm(unfinished, { recursive: true, force: true });
        await make(unfinished);
        await rename(unfinished, tables);
      },
      release: async () => {
        // What was written before is on disk already, unless the last time had no such end.
        await forceChanged(directory, found === undefined ? since : 0);
        await rm(mark);
        await force(directory);
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** The name of this start of a Linux machine. Elsewhere the loss of power goes unseen. */
export async function linuxBootId(): Promise<string | undefined> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** SQLite's lock on a file is one of the operating system: it goes with its process, however that ends. */
async function lockDirectory(directory: string): Promise<DatabaseSync> {
  try {
    await mkdir(directory, { recursive: true });
    const lock = new DatabaseSync(join(directory, 'lock'));
    try {
      lock.exec('pragma locking_mode = exclusive; begin exclusive');
      return lock;
    } catch (error) {
      lock.close();
      if (messageOf(error).includes('locked')) throw new WeirError('WEIR_SQL_IN_USE', { directory });
      throw error;
    }
  } catch (error) {
    if (WeirError.is(error)) throw error;
    throw new WeirError('WEIR_SQL_DIRECTORY', { directory, why: messageOf(error) }, error);
  }
}

async function readMark(mark: string): Promise<string | undefined> {
  return readFile(mark, 'utf8').catch((error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Before the first write to a table, so that no loss goes unseen.
 * @returns its time of change, as the file system gives it
 */
async function writeMark(mark: string, directory: string, boot: string): Promise<number> {
  const file = await open(mark, 'w');
  try {
    await file.writeFile(boot);
    await file.sync();
    await force(directory);
    return (await file.stat()).ctimeMs;
  } finally {
    await file.close();
  }
}

/** Forces every folder, and every file that was changed at that time or later. */
async function forceChanged(directory: string, since: number): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  for (let at = 0; at < entries.length; at += forcedTogether) {
    await Promise.all(
      entries.slice(at, at + forcedTogether).map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        if (entry.isDirectory() || (await stat(path)).ctimeMs >= since) await force(path);
      }),
    );
  }
  await force(directory);
}

async function force(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

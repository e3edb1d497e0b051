/**
 * The data directory of the embedded log: its layout, its format version and its lock.
 *
 * - `weir.json`: format version and log incarnation, written once;
 * - `durable`: the durable mark; `reserve`: disk space held back;
 * - `store/`: the records, in LevelDB; `lock/`: an empty LevelDB whose file lock is held for the whole life of the
 *   process, because the store itself must be looked at before LevelDB opens it, and may be opened again.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { z } from 'zod';
import { WeirError } from '../../../errors/index.ts';
import { isDiskFull } from './disk-full.ts';
import { createMark, markName } from './durable-mark.ts';

/** Format of the directory; a change that older code cannot read raises it. */
const currentFormat = 1;
export const formatName = 'weir.json';

const formatSchema = z.object({ format: z.number().int(), incarnation: z.number().int(), check: z.number() });

export interface Paths {
  readonly store: string;
  readonly lock: string;
  readonly mark: string;
  readonly reserve: string;
}

export function pathsOf(directory: string): Paths {
  const path = (name: string): string => join(directory, name);
  return { store: path('store'), lock: path('lock'), mark: path(markName), reserve: path('reserve') };
}

/**
 * Takes the directory for this process; the result lets go of it. The system lets go of it when the process ends.
 * `makeRoom` is called when the disk is too full for a lock.
 * @throws WeirError `WEIR_LOG_IN_USE`
 */
export async function lockDirectory(directory: string, makeRoom: () => Promise<void>): Promise<() => Promise<void>> {
  const { lock } = pathsOf(directory);
  await mkdir(lock, { recursive: true });
  const open = async (): Promise<() => Promise<void>> => {
    const db = new ClassicLevel(lock);
    await db.open();
    return () => db.close();
  };
  try {
    return await open();
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') throw new WeirError('WEIR_LOG_IN_USE', { directory }, error);
    if (isDiskFull(error)) await makeRoom();
    // Nothing is kept in it, so whatever ails it can be removed; the lock file itself stays.
    for (const name of await readdir(lock)) if (name !== 'LOCK') await rm(join(lock, name));
    return open();
  }
}

/**
 * Reads the format, or writes it for a new directory. Gives the incarnation of the log.
 * @throws WeirError `WEIR_LOG_VERSION`, `WEIR_LOG_DAMAGED`
 */
export async function openFormat(directory: string): Promise<number> {
  const paths = pathsOf(directory);
  const path = join(directory, formatName);
  if (!existsSync(path)) {
    if (existsSync(join(paths.store, 'CURRENT'))) {
      throw new WeirError('WEIR_LOG_DAMAGED', { directory, why: `the file ${formatName} is missing` });
    }
    createMark(paths.mark);
    await mkdir(paths.store, { recursive: true });
    await writeSynced(path, encodeFormat(1));
    // LevelDB syncs the names within its directory, but not the name of the directory itself.
    await syncDirectory(directory);
    await syncDirectory(dirname(directory));
    return 1;
  }
  const format = parseFormat(await readFile(path, 'utf8'));
  if (format === undefined) {
    throw new WeirError('WEIR_LOG_DAMAGED', { directory, why: `the file ${formatName} cannot be read` });
  }
  if (format.format !== currentFormat) {
    throw new WeirError('WEIR_LOG_VERSION', { directory, found: format.format, expected: currentFormat });
  }
  return format.incarnation;
}

/** The text of the format file. */
export function encodeFormat(incarnation: number, format = currentFormat): string {
  return `${JSON.stringify({ format, incarnation, check: crc32(`${format}/${incarnation}`) })}\n`;
}

function parseFormat(text: string): { format: number; incarnation: number } | undefined {
  try {
    const { format, incarnation, check } = formatSchema.parse(JSON.parse(text));
    return check === crc32(`${format}/${incarnation}`) ? { format, incarnation } : undefined;
  } catch {
    // Whatever it is, it is not what was written; the caller says so.
    return undefined;
  }
}

/** The file is there as a whole or not at all. */
async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w');
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}

async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    await directory.sync().finally(() => directory.close());
  } catch {
    // Systems that cannot open a directory (Windows) keep names durable by themselves.
  }
}

/** The code that LevelDB gave, which classic-level puts on the cause. */
function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  return error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}

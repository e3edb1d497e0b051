/** Opens the embedded log: lock, format, search for damage, store, reserve. Owns their order. */
import { access, constants, mkdir } from 'node:fs/promises';
import { ensureError, messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { Log } from '../port.ts';
import { lockDirectory, openFormat, pathsOf } from './directory.ts';
import { isDiskFull } from './disk-full.ts';
import { MarkWriter, readMark } from './durable-mark.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { GroupWriter } from './group-writer.ts';
import { inspectStore } from './inspect.ts';
import { Reserve } from './reserve.ts';
import { type OpenStore, openLevelStore, type Store } from './store.ts';
import { StoreHandle } from './store-handle.ts';

export interface EmbeddedLogSettings {
  /** The data directory; created when it is missing. One process at a time. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Disk space held back in a file, so that a full disk leaves room to reopen the store. Default 32 MiB; less than
   * 24 MiB may not suffice for a recovery.
   */
  readonly reserveBytes?: number;
  /** How the store is opened; failure injection puts a disk that fails before it. @internal */
  readonly openStore?: OpenStore;
}

/**
 * Opens (or creates) a durable log for one process in a directory.
 * Every table file is read and checked, about 0.5 s for each GB, before anything is changed.
 * @throws WeirError `WEIR_LOG_DIRECTORY` when it cannot be made or written, `WEIR_LOG_IN_USE` when another process has it, `WEIR_LOG_VERSION` for another format,
 *   `WEIR_LOG_DAMAGED` when something that was acknowledged is missing or changed; the store is left as it was found.
 */
export async function openEmbeddedLog(settings: EmbeddedLogSettings): Promise<Log> {
  const { directory, clock, logger, reserveBytes = 33_554_432, openStore = openLevelStore } = settings;
  const paths = pathsOf(directory);
  await makeDirectory(directory);
  const reserve = new Reserve(paths.reserve, reserveBytes);
  // Whatever was taken is let go of in reverse order, at the end or when a later step fails.
  const taken: Array<() => Promise<void>> = [await lockDirectory(directory, () => reserve.free())];
  const release = async (): Promise<void> => {
    for (const letGo of taken.splice(0).reverse()) await letGo();
  };
  try {
    const incarnation = await openFormat(directory);
    const durable = readMark(directory, paths.mark);
    const found = await inspectStore({ directory, store: paths.store, mark: durable, tables: true });
    const opened = await openWithReserve({ directory, open: openStore, location: paths.store, reserve });
    const store = new StoreHandle(openStore, paths.store, opened);
    taken.push(() => store.close());
    const mark = new MarkWriter(paths.mark);
    taken.push(async () => mark.close());
    const log = new EmbeddedLog({ directory, clock, logger, store, incarnation, release });
    const writer = new GroupWriter({
      ...{ directory, clock, logger, store, reserve, mark, found },
      location: paths.store,
      extras: (group) => log.takeTrimmed(group),
    });
    await log.load(writer);
    await reserve.fill().catch((error: unknown) => writer.holdUntilReserved(error));
    return log;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Makes the directory if it is missing, and tries whether it can be written. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (thrown) {
    if (isDiskFull(thrown)) throw new WeirError('WEIR_LOG_DISK_FULL', { directory }, thrown);
    throw new WeirError('WEIR_LOG_DIRECTORY', { directory, why: whyUnusable(thrown) }, thrown);
  }
}

function whyUnusable(thrown: unknown): string {
  const error = ensureError(thrown);
  switch ('code' in error ? error.code : undefined) {
    case 'EEXIST':
      return 'it is a file';
    case 'ENOTDIR':
      return 'a part of its path is a file';
    case 'EACCES':
    case 'EPERM':
      return 'this process has no right to it';
    case 'EROFS':
      return 'its file system is read-only';
    default:
      return error.message;
  }
}

interface Opening {
  readonly directory: string;
  readonly open: OpenStore;
  readonly location: string;
  readonly reserve: Reserve;
}

/** A disk that was full when the last process ended has no room for a recovery but that of the reserve. */
async function openWithReserve({ directory, open, location, reserve }: Opening): Promise<Store> {
  try {
    return await open(location).catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error;
      await reserve.free();
      return open(location);
    });
  } catch (error) {
    if (isDiskFull(error)) throw new WeirError('WEIR_LOG_DISK_FULL', { directory }, error);
    const cause = ensureError(error).cause ?? error;
    throw new WeirError('WEIR_LOG_DAMAGED', { directory, why: `LevelDB says: ${messageOf(cause)}` }, error);
  }
}

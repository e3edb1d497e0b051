/** Opens the store of a data directory: lock, format, search for damage, store, reserve. Owns their order. */
import { access, constants, mkdir } from 'node:fs/promises';
import { ensureError, messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { Operations } from './codec.ts';
import { Compaction } from './compaction.ts';
import { lockDirectory, openFormat, pathsOf } from './directory.ts';
import { isDiskFull } from './disk-full.ts';
import { MarkWriter, readMark } from './durable-mark.ts';
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

/** A store that is open for this process alone. */
export interface OpenDirectory {
  readonly store: StoreHandle;
  /** As the directory says it; the store may know a greater one. */
  readonly incarnation: number;
  readonly writer: GroupWriter;
  /** Holds writes back while the disk has no room for the reserve; called once everything is read. */
  readonly fillReserve: () => Promise<void>;
  /** Lets go of the files, after the last write. */
  readonly release: () => Promise<void>;
}

/**
 * Opens (or creates) the store in a directory. `extras` may join any group that is written.
 * Every table file is read and checked, about 0.5 s for each GB, before anything is changed.
 * @throws WeirError as `openEmbeddedLog` does
 */
export async function openDirectory(
  settings: EmbeddedLogSettings,
  extras: (group: Operations) => void = () => undefined,
): Promise<OpenDirectory> {
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
    const compaction = new Compaction({ directory, clock, logger, store });
    const writer = new GroupWriter({
      ...{ directory, clock, logger, store, reserve, mark, compaction, found, extras },
      location: paths.store,
    });
    const fillReserve = (): Promise<void> => reserve.fill().catch((error: unknown) => writer.holdUntilReserved(error));
    return { store, incarnation, writer, fillReserve, release };
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

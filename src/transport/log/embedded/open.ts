/** Opens the embedded log: lock, format, search for damage, store, reserve. Owns their order. */
import { mkdir } from 'node:fs/promises';
import { ensureError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { Log } from '../port.ts';
import type { Operations } from './codec.ts';
import { lockDirectory, openFormat, pathsOf } from './directory.ts';
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
  /** How the store is opened; for tests that make it fail. @internal */
  readonly openStore?: OpenStore;
}

/**
 * Opens (or creates) a durable log for one process in a directory.
 * Every table file is read and checked, about 0.5 s for each GB, before anything is changed.
 * @throws WeirError `WEIR_LOG_IN_USE` when another process has it, `WEIR_LOG_VERSION` for another format,
 *   `WEIR_LOG_DAMAGED` when something that was acknowledged is missing or changed; the store is left as it was found.
 */
export async function openEmbeddedLog(settings: EmbeddedLogSettings): Promise<Log> {
  const { directory, clock, logger, reserveBytes = 33_554_432, openStore = openLevelStore } = settings;
  const paths = pathsOf(directory);
  await mkdir(directory, { recursive: true });
  const unlock = await lockDirectory(directory);
  try {
    const incarnation = await openFormat(directory);
    const setup = { directory, store: paths.store, mark: readMark(directory, paths.mark), tables: true };
    const found = await inspectStore(setup);
    const reserve = new Reserve(paths.reserve, reserveBytes);
    const store = new StoreHandle(openStore, paths.store, await openWithReserve(openStore, paths.store, reserve));
    const mark = new MarkWriter(paths.mark);
    const release = async (): Promise<void> => {
      await store.close();
      mark.close();
      await unlock();
    };
    const log = new EmbeddedLog({ directory, clock, logger, store, incarnation, release });
    const extras = (group: Operations): void => log.takeTrimmed(group);
    const writer = new GroupWriter({
      directory,
      location: paths.store,
      clock,
      logger,
      store,
      reserve,
      mark,
      found,
      extras,
    });
    await log.load(writer);
    await reserve.fill().catch((error: unknown) => writer.holdUntilReserved(ensureError(error)));
    return log;
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** A disk that was full when the last process ended has no room for a recovery but that of the reserve. */
async function openWithReserve(open: OpenStore, location: string, reserve: Reserve): Promise<Store> {
  try {
    return await open(location);
  } catch {
    // Whatever it was, opening again says so if room was not the reason.
    await reserve.free();
    return open(location);
  }
}

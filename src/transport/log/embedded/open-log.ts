/** Opens the embedded log in a directory. */
import type { Log } from '../port.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { type EmbeddedLogSettings, openDirectory } from './open.ts';

/**
 * Opens (or creates) a durable log for one process in a directory.
 * Every table file is read and checked, about 0.5 s for each GB, before anything is changed.
 * @throws WeirError `WEIR_LOG_DIRECTORY` when it cannot be made or written, `WEIR_LOG_IN_USE` when another process has it, `WEIR_LOG_VERSION` for another format,
 *   `WEIR_LOG_DAMAGED` when something that was acknowledged is missing or changed; the store is left as it was found.
 */
export async function openEmbeddedLog(settings: EmbeddedLogSettings): Promise<Log> {
  const { directory, clock, logger } = settings;
  let opened: EmbeddedLog | undefined;
  const { store, incarnation, writer, fillReserve, release } = await openDirectory(settings, (group) =>
    opened?.takeTrimmed(group),
  );
  try {
    const log = new EmbeddedLog({ directory, clock, logger, store, incarnation, release });
    opened = log;
    await log.load(writer);
    await fillReserve();
    return log;
  } catch (error) {
    await release();
    throw error;
  }
}

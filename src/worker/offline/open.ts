/** Opens the log of a node as its configuration names it, while nobody runs on it. */
import { type Clock, type Logger, systemRandom } from '../../ports/index.ts';
import { type OfflineLog, openEmbeddedOffline, openKafkaOffline } from '../../transport/log/index.ts';
import { workerGroups } from '../cluster/index.ts';
import type { Configuration } from '../configuration/index.ts';

export interface OpenOffline {
  readonly configuration: Pick<Configuration, 'kafka' | 'data'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether to begin one where there is none. Default: it is refused. */
  readonly create?: boolean;
}

/** @throws WeirError `WEIR_LOG_NONE`, `WEIR_LOG_RUNNING`, `WEIR_LOG_IN_USE`, and what opening a log may throw */
export function openOffline({ configuration, clock, logger, create = false }: OpenOffline): Promise<OfflineLog> {
  const { kafka, data: directory } = configuration;
  if (kafka === undefined) return openEmbeddedOffline({ directory, clock, logger, create });
  return openKafkaOffline({ ...kafka, clock, logger, random: systemRandom(), groups: workerGroups, create });
}

/** What the commands of a node that is stopped share: its configuration, its log, and how they look. */
import type { Command } from 'commander';
import { type Clock, holdProcess, pinoLogger, systemClock } from '../ports/index.ts';
import type { Configuration, OfflineLog, Totals } from '../worker/index.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import { columns } from './output.ts';

export interface OnLog {
  readonly flags: ConfigurationFlags;
  /** Whether to begin a log where there is none. Default: it is refused. */
  readonly create?: boolean;
}

/** Opens the log that the flags name, lets `act` do its work, and closes it in any case. */
export async function onLog(
  { flags, create = false }: OnLog,
  act: (log: OfflineLog, more: { readonly clock: Clock; readonly configuration: Configuration }) => Promise<void>,
): Promise<void> {
  const { openOffline } = await import('../worker/index.ts');
  const configuration = await readConfiguration(flags);
  const clock = systemClock();
  // Waits for brokers are told; what goes well is not.
  const logger = pinoLogger({ level: 'warn', pretty: process.stderr.isTTY });
  // While it waits for brokers there is nothing else that keeps the process.
  const letGo = holdProcess();
  try {
    const log = await openOffline({ configuration, clock, logger, create });
    try {
      await act(log, { clock, configuration });
    } finally {
      await log.close();
    }
  } finally {
    letGo();
  }
}

export function configurationOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration (default: WEIR_CONFIG, else weir.yaml)')
    .option('--data <dir>', 'data directory, over the configuration');
}

export function totalsText(totals: Totals): string {
  const rows = Object.entries(totals).map(([topic, { records, bytes }]) => [topic, String(records), String(bytes)]);
  return columns(['TOPIC', 'RECORDS', 'BYTES'], rows);
}

/** `weir log export` and `weir log import`: the whole log of a node that is stopped, out of one driver and into another. */
import type { Command } from 'commander';
import { pinoLogger, systemClock } from '../ports/index.ts';
import type { Totals } from '../worker/index.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { fileSink, fileSource } from './log-files.ts';
import { columns, printJson } from './output.ts';
import { versionOf } from './version.ts';

const configOption = ['--config <file>', 'configuration (default: WEIR_CONFIG, else weir.yaml)'] as const;
const dataOption = ['--data <dir>', 'data directory, over the configuration'] as const;

export function logCommands(program: Command, { terminal, json, stdin }: CommandContext): void {
  const log = program.command('log').description('the log of a node that is stopped');

  log
    .command('export')
    .description('write the whole log into a file, or to standard output with "-"; the log stays as it is')
    .argument('<file>', 'the file, which must not be there yet')
    .option(...configOption)
    .option(...dataOption)
    .action(async (file: string, flags: ConfigurationFlags) => {
      const { exportLog, openOffline } = await import('../worker/index.ts');
      const configuration = await readConfiguration(flags);
      const clock = systemClock();
      const opened = await openOffline({ configuration, clock, logger: offlineLogger() });
      try {
        const sink = await fileSink(file);
        try {
          const { header, totals } = await exportLog(opened, sink.write, { clock, version: versionOf() });
          await sink.finish();
          const about = { from: opened.place, driver: header.driver, incarnation: header.incarnation };
          tell(file === '-', { ...about, file, topics: totals }, `Exported ${opened.place} to ${file}:\n`);
        } catch (error) {
          await sink.abandon();
          throw error;
        }
      } finally {
        await opened.close();
      }
    });

  log
    .command('import')
    .description('fill an empty log from a file, or from standard input with "-"; it is a new incarnation of the log')
    .argument('<file>', 'what "weir log export" has written')
    .option(...configOption)
    .option(...dataOption)
    .action(async (file: string, flags: ConfigurationFlags) => {
      const { importLog, openOffline, readLogFile } = await import('../worker/index.ts');
      const configuration = await readConfiguration(flags);
      const clock = systemClock();
      const source = await fileSource(file, stdin);
      const opened = await openOffline({ configuration, clock, logger: offlineLogger(), create: true });
      try {
        const { totals, incarnation } = await importLog(opened, readLogFile(source.name, source.chunks), clock);
        const about = { to: opened.place, driver: opened.driver, incarnation, topics: totals };
        tell(false, about, `Imported ${source.name} into ${opened.place}, incarnation ${incarnation}:\n`);
      } finally {
        await opened.close();
      }
    });

  /** What was done; on standard error while standard output carries the log. */
  function tell<Facts extends { readonly topics: Totals }>(aside: boolean, facts: Facts, title: string): void {
    const out = aside ? terminal.error : terminal.out;
    if (json()) printJson({ ...terminal, out }, facts);
    else out(title + totalsText(facts.topics));
  }
}

/** Waits for brokers are told; what goes well is not. */
function offlineLogger() {
  return pinoLogger({ level: 'warn', pretty: process.stderr.isTTY });
}

function totalsText(totals: Totals): string {
  const rows = Object.entries(totals).map(([topic, { records, bytes }]) => [topic, String(records), String(bytes)]);
  return columns(['TOPIC', 'RECORDS', 'BYTES'], rows);
}

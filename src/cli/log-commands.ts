/** `weir log export`, `import` and `adopt`: what is done with the whole log of a node that is stopped. */
import type { Command } from 'commander';
import type { Totals } from '../worker/index.ts';
import type { ConfigurationFlags } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { fileSink, fileSource } from './log-files.ts';
import { configurationOptions, onLog, totalsText } from './offline.ts';
import { printJson } from './output.ts';
import { versionOf } from './version.ts';

export function logCommands(program: Command, { terminal, json, stdin, done }: CommandContext): void {
  const log = program.command('log').description('the log of a node that is stopped');

  configurationOptions(log.command('export'))
    .description('write the whole log into a file, or to standard output with "-"; the log stays as it is')
    .argument('<file>', 'the file, which must not be there yet')
    .action((file: string, flags: ConfigurationFlags) =>
      onLog({ flags }, async (from, { clock }) => {
        const { exportLog } = await import('../worker/index.ts');
        const sink = await fileSink(file);
        try {
          const { header, totals } = await exportLog(from, sink.write, { clock, version: versionOf() });
          await sink.finish();
          const { driver, incarnation } = header;
          const facts = { from: from.place, driver, incarnation, file, topics: totals };
          tell(file === '-', facts, `Exported ${from.place} to ${file === '-' ? 'standard output' : file}:\n`);
        } catch (error) {
          await sink.abandon();
          throw error;
        }
      }),
    );

  configurationOptions(log.command('import'))
    .description('fill an empty log from a file, or from standard input with "-"; it is a new incarnation of the log')
    .argument('<file>', 'what "weir log export" has written')
    .action(async (file: string, flags: ConfigurationFlags) => {
      const { importLog, readLogFile } = await import('../worker/index.ts');
      const source = await fileSource(file, stdin);
      await onLog({ flags, create: true }, async (to, { clock }) => {
        const { totals, incarnation } = await importLog(to, readLogFile(source.name, source.chunks), clock);
        const facts = { to: to.place, driver: to.driver, incarnation, topics: totals };
        tell(false, facts, `Imported ${source.name} into ${to.place}, incarnation ${incarnation}:\n`);
        if (to.driver === 'kafka' && !json()) {
          terminal.out('Topics have names of their own; "weir doctor --acl" prints the rights that they need.\n');
        }
      });
    });

  configurationOptions(log.command('adopt'))
    .description('let a node run on a log that was restored, mirrored or made anew; terms go on above all before')
    .option('--dry-run', 'only say what shows that it is another log; exit code 1 when anything does')
    .action(({ dryRun, ...flags }: ConfigurationFlags & { readonly dryRun?: true }) =>
      onLog({ flags }, async (found, { clock }) => {
        const { place } = found;
        if (dryRun === true) {
          const strange = await found.strangeness();
          if (strange.length > 0) done(exitCodes.failed);
          if (json()) return printJson(terminal, { log: place, incarnation: found.incarnation, strange });
          const nothing = `Nothing shows that ${place} is another log than the one that was run on.\n`;
          return terminal.out(strange.length === 0 ? nothing : linesOf(strange));
        }
        const { adoptLog } = await import('../worker/index.ts');
        const { before, incarnation, strange, records } = await adoptLog(found, clock);
        if (json()) return printJson(terminal, { log: place, before, incarnation, strange, records });
        const counts = Object.entries(records).map(([topic, count]) => `${topic}: ${count} records`);
        terminal.out(
          linesOf([...strange, `Adopted ${place}: incarnation ${incarnation}, after ${before}.`, ...counts]),
        );
      }),
    );

  /** What was done; on standard error while standard output carries the log. */
  function tell<Facts extends { readonly topics: Totals }>(aside: boolean, facts: Facts, title: string): void {
    const out = aside ? terminal.error : terminal.out;
    if (json()) printJson({ ...terminal, out }, facts);
    else out(title + totalsText(facts.topics));
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

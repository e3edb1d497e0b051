/** `weir reshard`: another number of shards for a node that is stopped. */
import type { Command } from 'commander';
import { WeirError } from '../errors/index.ts';
import type { ConfigurationFlags } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { configurationOptions, onLog, totalsText } from './offline.ts';
import { printJson } from './output.ts';

/** As many as a configuration may name. */
const mostShards = 1_024;

export function reshardCommand(program: Command, { terminal, json }: CommandContext): void {
  configurationOptions(program.command('reshard'))
    .description('give a node that is stopped another number of shards: flows move to where their keys say')
    .requiredOption('--partitions <number>', 'how many shards it is to have')
    .action(({ partitions: text, ...flags }: ConfigurationFlags & { readonly partitions: string }) => {
      const partitions = shardsOf(text);
      return onLog({ flags }, async (log, { clock, configuration }) => {
        const { reshardLog } = await import('../worker/index.ts');
        const done = await reshardLog(log, partitions, clock);
        if (done === undefined) {
          if (json()) return printJson(terminal, { log: log.place, before: partitions, partitions, left: [] });
          return terminal.out(`${log.place} has ${partitions} shards already.\n`);
        }
        const { totals, ...facts } = done;
        if (json()) return printJson(terminal, { log: log.place, ...facts, topics: totals });
        const { before, incarnation, left } = done;
        terminal.out(`${log.place} has ${partitions} shards instead of ${before}, incarnation ${incarnation}:\n`);
        terminal.out(totalsText(totals));
        if (configuration.shards !== undefined && configuration.shards !== partitions) {
          terminal.out(`Change "shards: ${configuration.shards}" in ${configuration.file} to ${partitions}.\n`);
        }
        if (left.length === 0) return;
        terminal.out('Topics have new names; where rights are given by name, "weir doctor --acl" prints them anew.\n');
        terminal.out('The topics before are left; when you need them no more:\n');
        for (const topic of left) {
          terminal.out(`  kafka-topics.sh --bootstrap-server <broker> --delete --topic ${topic}\n`);
        }
      });
    });
}

function shardsOf(text: string): number {
  const shards = Number(text);
  if (/^\d{1,4}$/.test(text) && shards >= 1 && shards <= mostShards) return shards;
  const why = `"${text}" is not a number of shards from 1 to ${mostShards}`;
  throw new WeirError('WEIR_CLI_USAGE', { why, help: 'weir reshard --help' });
}

/** `weir chaos ...`: injects faults by name into a running node that allows it, lists them, and ends them. */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { chaosAnswer, clearedAnswer, faultAnswer } from './node-client.ts';
import { columns, printJson, timeText } from './output.ts';

interface FaultFlags {
  readonly for?: string;
  readonly times?: string;
  readonly odds?: string;
  readonly by?: string;
  readonly drift?: string;
  readonly when?: string;
  readonly reason: string;
}

const help = `
Faults and what they may be aimed at (the first is the default, where there is one):
  crash          worker | log | shard N | ACTOR      [--when before|after]
  hang           worker | ACTOR                      [--for]; a worker needs it
  slow           log | shard N | peers | peer NAME   --by [--for] [--times] [--odds]
  lost-ack       log | shard N                       [--for] [--times] [--odds]
  torn-write     log
  duplicate      peers | peer NAME | log | shard N   [--for] [--times] [--odds]
  reorder        peers | peer NAME                   [--by] [--for] [--times] [--odds]
  lose           peers | peer NAME                   [--for] [--times] [--odds]
  partition      TARGET: log | peers | peer NAME     [--for]
  clock-skew     clock                               [--by] [--drift] [--for]; one of the first two
  fenced-writer  TARGET: shard N | log               [--for]: how long the other owner keeps it
  full-disk      log                                 [--for]
  full-mailbox   TARGET: ACTOR                       [--for]
An ACTOR is named by its path, such as /services/rpc. Without --for and --times a fault strikes until it is cleared.

Measures:
  --for DURATION  how long it lasts          --times N    how often it strikes
  --odds 0.1      how likely each time       --by 200ms   how much slower, later or off
  --drift 0.01    how much too fast          --when WHEN  before or after the write
Examples:
  weir chaos lost-ack shard 3 --times 2 --reason "try takeover"
  weir chaos slow peers --by 200ms --odds 0.1 --for 1min --reason "slow network"
  weir chaos clear --reason "seen enough"
`;

export function chaosCommands(program: Command, { terminal, client, json }: CommandContext): void {
  const chaos = program
    .command('chaos')
    .description('inject faults by name into a node that allows it (chaos: { allow: true }), list and end them')
    .usage('<fault> [target] --reason <text> [options] | list | clear')
    .addHelpText('after', help);
  const reason = ['--reason <text>', 'why; kept in the log of the node'] as const;

  chaos
    .command('inject', { isDefault: true })
    .description('the same as `weir chaos <fault> [target]`')
    .argument('<fault>', 'its name, such as lost-ack')
    .argument('[target...]', 'what it is aimed at, such as shard 3')
    .option('--for <duration>', 'how long it lasts (default: until it is cleared)')
    .option('--times <count>', 'how often it strikes (default: as often as it can)')
    .option('--odds <odds>', 'how likely each occasion is struck, above 0, at most 1 (default: 1)')
    .option('--by <duration>', 'how much slower, later or (clock-skew) off; the last may be negative')
    .option('--drift <rate>', 'clock-skew: how much too fast time runs, such as 0.01')
    .option('--when <moment>', 'crash: before or after the next write has taken effect')
    .requiredOption(...reason)
    .addHelpText('after', help)
    .action(async (type: string, target: readonly string[], { reason, ...flags }: FaultFlags) => {
      // Only this command pays for loading the words, and a slip of the pen is told without a node.
      const { faultFrom } = await import('../chaos/index.ts');
      const fault = faultFrom(type, target.join(' '), { ...flags });
      const answer = await client().post(faultAnswer, '/chaos', { fault, reason });
      if (json()) return printJson(terminal, answer);
      terminal.out(`${answer.id}  ${answer.text}\n`);
    });

  chaos
    .command('list')
    .description('faults that strike the node, and how often each has struck since it started')
    .action(async () => {
      const answer = await client().get(chaosAnswer, '/chaos');
      if (json()) return printJson(terminal, answer);
      const { active, struck } = answer;
      if (active.length === 0) terminal.out('No fault strikes.\n');
      else {
        terminal.out(
          columns(
            ['ID', 'SINCE (UTC)', 'UNTIL (UTC)', 'STRUCK', 'LEFT', 'FAULT'],
            active.map(({ id, since, until, struck: times, left = '', text }) => [
              String(id),
              timeText(since),
              timeText(until),
              String(times),
              String(left),
              text,
            ]),
          ),
        );
      }
      const counts = Object.entries(struck).filter(([, count]) => count > 0);
      if (counts.length > 0) terminal.out(`Struck: ${counts.map(([word, count]) => `${word} ${count}`).join(', ')}\n`);
    });

  chaos
    .command('clear')
    .description('end every fault, or one; what they did stays done')
    .option('--id <number>', 'only this one (see `weir chaos list`)')
    .requiredOption(...reason)
    .action(async (flags: { readonly id?: string; readonly reason: string }) => {
      const answer = await client().delete(clearedAnswer, '/chaos', flags);
      if (json()) return printJson(terminal, answer);
      terminal.out(
        answer.cleared.length === 0
          ? 'No fault struck.\n'
          : answer.cleared.map(({ text }) => `ended: ${text}\n`).join(''),
      );
    });
}

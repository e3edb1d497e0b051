/** `weir workers`, `weir shards`, `weir shard move`, `weir drain` and `undrain`: the workers of a node on Kafka. */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { drainedAnswer, movedAnswer, shardsAnswer, workersAnswer } from './node-client.ts';
import { columns, printJson, timeText } from './output.ts';

interface Reason {
  readonly reason: string;
}

const reason = ['--reason <text>', 'why; kept with the order and in the log of the workers'] as const;

export function clusterCommands(program: Command, { terminal, client, json }: CommandContext): void {
  program
    .command('workers')
    .description('the workers of the node: state, shards, load, and what each waits on')
    .action(async () => {
      const answer = await client().get(workersAnswer, '/workers');
      if (json()) return printJson(terminal, answer);
      terminal.out(
        columns(
          ['WORKER', 'STATE', 'SHARDS', 'CPU', 'MEMORY', 'VERSION', 'ROLES', 'ADDRESS', 'SEEN (UTC)'],
          answer.workers.map(({ worker, state, shards, load, version, roles, address = '', seenAt }) => [
            ...[worker, state, String(shards), `${Math.round(load.cpu * 100)} %`],
            ...[`${Math.round(load.memoryBytes / 2 ** 20)} MiB`, version, roles.join(), address, timeText(seenAt)],
          ]),
        ),
      );
      for (const { worker, waiting, drained } of answer.workers) {
        for (const why of waiting) terminal.out(`  ${worker}: ${why}\n`);
        if (drained === undefined) continue;
        terminal.out(`  ${worker}: drained by ${drained.principal}, ${timeText(drained.at)}: ${drained.reason}\n`);
      }
    });

  program
    .command('shards')
    .description('who has each shard of the node, in which phase and term, and how far its log lane is behind')
    .action(async () => {
      const answer = await client().get(shardsAnswer, '/shards');
      if (json()) return printJson(terminal, answer);
      terminal.out(
        columns(
          ['SHARD', 'WORKER', 'PHASE', 'TERM', 'LAG', 'POSITION', 'RESTARTS', 'LAST FAILURE'],
          answer.shards.map(({ partition, worker = '', phase, term = '', lag, position, restarts, lastFailure }) => [
            ...[String(partition), worker, phase, term, String(lag ?? ''), String(position ?? '')],
            ...[String(restarts), lastFailure ?? ''],
          ]),
        ),
      );
    });

  const shard = program.command('shard').description('one shard of the node');
  shard
    .command('move')
    .description('let a worker take a shard over; its owner drains it first')
    .argument('<shard>', 'its number, as `weir shards` shows it')
    .argument('<worker>', 'name of the worker that is to have it')
    .requiredOption(...reason)
    .action(async (number: string, worker: string, { reason }: Reason) => {
      const answer = await client().post(movedAnswer, `/shards/${encodeURIComponent(number)}/move`, { worker, reason });
      if (json()) return printJson(terminal, answer);
      terminal.out(`Shard ${answer.shard} moves to ${answer.worker}.\n`);
    });

  const acts = [
    ['drain', 'a worker gives up its shards and takes none, until `weir undrain` or its end', 'gives up its shards'],
    ['undrain', 'a worker takes its part of the shards again', 'takes shards again'],
  ] as const;
  for (const [act, description, told] of acts) {
    program
      .command(act)
      .description(description)
      .argument('[worker]', 'its name (default: the one that is asked)')
      .requiredOption(...reason)
      .action(async (named: string | undefined, { reason }: Reason) => {
        const worker = named ?? (await client().get(workersAnswer, '/workers')).self;
        const answer = await client().post(drainedAnswer, `/workers/${encodeURIComponent(worker)}/${act}`, { reason });
        if (json()) return printJson(terminal, answer);
        terminal.out(`Worker ${answer.worker} ${told}.\n`);
      });
  }
}

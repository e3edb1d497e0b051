/** `weir worker`: one worker process of a node whose log is on Kafka. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { WeirError } from '../errors/index.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { printJson } from './output.ts';
import { runNode, tellParent } from './run-node.ts';

interface WorkerFlags extends ConfigurationFlags {
  readonly reason?: string;
  readonly name?: string;
}

export function workerCommand(program: Command, context: CommandContext): void {
  const { terminal, json } = context;
  program
    .command('worker')
    .description(
      'start one worker of a node on Kafka in the foreground; workers with the same members share its shards',
    )
    .option('--name <name>', 'how operators see it; one of its own for each worker (default: host name and process id)')
    .option('--config <file>', 'configuration (default: WEIR_CONFIG, else weir.yaml)')
    .option('--data <dir>', 'directory for reports, over the configuration')
    .option('--port <number>', 'HTTP port, over the configuration; 0 for any that is free')
    .option('--host <address>', 'loopback address to listen on, over the configuration')
    .option('--roles <roles>', 'what it does of its node, over the configuration: all, flow, rpc')
    .option('--monitoring-port <number>', 'where it shows health and figures when its roles have no HTTP')
    .option('--reason <text>', 'why, for the audit, where the configuration is another one than before')
    .action(async ({ name = `${hostname()}-${process.pid}`, ...flags }: WorkerFlags) => {
      const { loadMembers } = await import('../worker/index.ts');
      const configuration = await readConfiguration(flags);
      const { kafka, data } = configuration;
      if (kafka === undefined) throw new WeirError('WEIR_WORKERS_NEED_KAFKA', { data });
      const worker = workerName(name);
      await runNode(
        {
          configuration,
          members: await loadMembers(configuration),
          reason: flags.reason,
          settings: {
            kafka: { ...kafka, worker },
            onMemberId: (group, memberId) => tellParent({ type: 'member', group, memberId }),
          },
          onUp(url) {
            if (process.send !== undefined) tellParent({ type: 'up', url });
            else if (json()) printJson(terminal, { worker, url });
            else terminal.out(`Worker ${worker} is up ${url === undefined ? 'without HTTP' : `at ${url}`}\n`);
          },
        },
        context,
      );
    });
}

/** It stands in keys, on command lines and in columns. */
function workerName(name: string): string {
  if (/^[A-Za-z0-9._-]{1,100}$/.test(name)) return name;
  const why = `"${name}" is not the name of a worker: it may have letters, digits, ".", "_" and "-"`;
  throw new WeirError('WEIR_CLI_USAGE', { why, help: 'weir worker --help' });
}

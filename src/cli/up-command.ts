/** `weir up`: a node in the foreground, until a signal or a failure ends it; with `--workers`, several processes of it. */
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import { defaultGroup } from '../ports/index.ts';
import { commandName, quoted } from './command-line.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { printJson } from './output.ts';
import { runNode } from './run-node.ts';
import { runWorkers, workersOf } from './run-workers.ts';
import { sampleInput } from './sample-input.ts';

interface UpFlags extends ConfigurationFlags {
  readonly reason?: string;
  readonly workers?: string;
}

export function upCommand(program: Command, context: CommandContext): void {
  const { terminal, json } = context;
  program
    .command('up')
    .description('start a node in the foreground; SIGTERM or Ctrl-C drains and ends it')
    .option('--config <file>', 'configuration (default: WEIR_CONFIG, else weir.yaml)')
    .option('--data <dir>', 'data directory, over the configuration')
    .option('--port <number>', 'HTTP port, over the configuration; 0 for any that is free')
    .option('--host <address>', 'loopback address to listen on, over the configuration')
    .option('--roles <roles>', 'what it does of its node, over the configuration: all, flow, rpc')
    .option('--monitoring-port <number>', 'where it shows health and figures when its roles have no HTTP')
    .option('--reason <text>', 'why, for the audit, where the configuration is another one than before')
    .option('--workers <number>', 'run so many worker processes on Kafka, and watch them; each has a port of its own')
    .action(async ({ workers, ...flags }: UpFlags) => {
      const configuration = await readConfiguration(flags);
      if (workers !== undefined) return runWorkers(workersOf(workers), { flags, configuration }, context);
      // The client's commands do without what a node is made of, and are quick for it.
      const { loadMembers } = await import('../worker/index.ts');
      const members = await loadMembers(configuration);
      const { data } = configuration;
      const onUp = (url: string | undefined): void => {
        if (json()) printJson(terminal, { url, data, members: members.map(({ name, group }) => ({ name, group })) });
        else if (url === undefined)
          terminal.out(`Weir runs ${configuration.roles.join(' and ')} here, without HTTP; data in ${data}\n`);
        else terminal.out(welcome(url, data, members));
      };
      await runNode({ configuration, members, reason: flags.reason, onUp }, context);
    });
}

interface HostedMember {
  readonly name: string;
  readonly group: string;
  readonly flows: ReadonlyArray<{
    readonly name: string;
    readonly responds: unknown;
    readonly states: { readonly start: ZodType };
  }>;
}

/** Where the node is, and commands to try: each of them works as it is printed. */
function welcome(url: string, data: string, members: readonly HostedMember[]): string {
  const weir = commandName(process.env);
  const at = url === 'http://127.0.0.1:7447' ? '' : ` --url ${url}`;
  return [
    `Weir is up at ${url} with ${members.length === 1 ? 'one member' : `${members.length} members`}; data in ${data}`,
    'Try next:',
    `  ${weir} ${startHint(members)}${at}`,
    `  ${weir} flow list${at}`,
    `  ${weir} status${at}`,
    '',
  ].join('\n');
}

/** The first flow that a client can start, with an input that its schema takes. */
function startHint(members: readonly HostedMember[]): string {
  for (const { name, group, flows } of members) {
    for (const { name: flow, responds, states } of flows) {
      const input = responds === undefined ? sampleInput(states.start) : undefined;
      if (input === undefined) continue;
      const inGroup = group === defaultGroup ? '' : ` --group ${quoted(group)}`;
      const given = input === '{}' ? '' : ` --input '${input.replaceAll("'", "'\\''")}'`;
      return `flow start ${quoted(name)} ${quoted(flow)}${inGroup}${given} --wait 30s`;
    }
  }
  return 'flow start --help';
}

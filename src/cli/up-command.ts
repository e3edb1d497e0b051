/** `weir up`: a node in the foreground, until a signal or a failure ends it. */
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import { WeirError } from '../errors/index.ts';
import { defaultGroup, pinoLogger } from '../ports/index.ts';
import { commandName, quoted } from './command-line.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { failureText } from './failure.ts';
import { printJson } from './output.ts';
import { sampleInput } from './sample-input.ts';

interface UpFlags {
  readonly config?: string;
  readonly data?: string;
  readonly port?: string;
  readonly host?: string;
}

const signals = ['SIGINT', 'SIGTERM'] as const;

export function upCommand(program: Command, { terminal, json, done }: CommandContext): void {
  program
    .command('up')
    .description('start a node in the foreground; SIGTERM or Ctrl-C drains and ends it')
    .option('--config <file>', 'configuration (default: WEIR_CONFIG, else weir.yaml)')
    .option('--data <dir>', 'data directory, over the configuration')
    .option('--port <number>', 'HTTP port, over the configuration; 0 for any that is free')
    .option('--host <address>', 'loopback address to listen on, over the configuration')
    .action(async ({ config, data, port, host }: UpFlags) => {
      // The client's commands do without what a node is made of, and are quick for it.
      const { loadConfiguration, loadMembers, startNode } = await import('../worker/index.ts');
      const configuration = await loadConfiguration({
        file: config,
        environment: process.env,
        flags: { data, port: port === undefined ? undefined : portOf(port), host },
        directory: process.cwd(),
      });
      const { log, redeliver, watchdog } = configuration;
      const members = await loadMembers(configuration);
      const logger = pinoLogger({ level: log.level, pretty: log.pretty ?? process.stderr.isTTY });
      const signalled = firstSignal(terminal.error);
      process.once('uncaughtException', (error) => {
        // Nobody knows what state it left behind; the next start has the one that was committed.
        logger.error({ error }, 'the process has failed');
        terminal.error(failureText(error, json()));
        process.exit(exitCodes.failed);
      });
      const node = await startNode({
        members,
        data: configuration.data,
        ...(configuration.kafka === undefined ? {} : { kafka: configuration.kafka }),
        ...(configuration.shards === undefined ? {} : { shards: configuration.shards }),
        retention: configuration.retention,
        hospital: configuration.hospital,
        ...(redeliver === undefined ? {} : { redeliver }),
        http: configuration.http,
        chaos: configuration.chaos,
        ...(watchdog.loop === 'off' ? {} : { endIfBlocked: watchdog.loop }),
        logger,
      });
      const failed = new Promise<Error>((resolve) => node.onFailure(resolve));
      const { url = '' } = node;
      if (json())
        printJson(terminal, {
          url,
          data: configuration.data,
          members: members.map(({ name, group }) => ({ name, group })),
        });
      else terminal.out(welcome(url, configuration.data, members));

      const end = await Promise.race([signalled, failed]);
      if (end instanceof Error) {
        terminal.error(failureText(end, json()));
        done(exitCodes.failed);
      } else if (!json()) {
        terminal.out(`${end}: finishing what runs; again to end at once\n`);
      }
      await node.stop();
      if (!json()) terminal.out('Stopped. What is unfinished goes on at the next start.\n');
    });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new WeirError('WEIR_CLI_USAGE', { why: `"${text}" is not a port`, help: 'weir up --help' });
}

/** The first signal asks for an orderly end, the second one ends at once: somebody has waited long enough. */
function firstSignal(error: (text: string) => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (asked) {
          error('weir: ended at once, before everything was finished; nothing that was accepted is lost\n');
          process.exit(signal === 'SIGINT' ? 130 : 143);
        }
        asked = true;
        resolve(signal);
      });
    }
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

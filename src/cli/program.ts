/** The commands of `weir`, put together: options that all share, usage errors, exit codes. */
import { Command, CommanderError } from 'commander';
import { WeirError } from '../errors/index.ts';
import { actorCommands } from './actor-commands.ts';
import { auditCommands } from './audit-commands.ts';
import { chaosCommands } from './chaos-commands.ts';
import { clusterCommands } from './cluster-commands.ts';
import type { CommandContext } from './context.ts';
import { doctorCommand } from './doctor-command.ts';
import { errorCommands } from './error-commands.ts';
import { type ExitCode, exitCodeHelp, exitCodes } from './exit-codes.ts';
import { exitCodeOf, failureText } from './failure.ts';
import { flowCommands } from './flow-commands.ts';
import { hospitalCommands } from './hospital-commands.ts';
import { logCommands } from './log-commands.ts';
import { nodeClient } from './node-client.ts';
import { nodeCommands } from './node-commands.ts';
import type { Terminal } from './output.ts';
import { reshardCommand } from './reshard-command.ts';
import { upCommand } from './up-command.ts';
import { versionOf } from './version.ts';
import { workerCommand } from './worker-command.ts';

const defaultUrl = 'http://127.0.0.1:7447';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  redraws: process.stdout.isTTY,
};

/** Runs one command line; resolves with its exit code. Everything that goes wrong is told here, in one form. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  const program = new Command('weir');
  let code: ExitCode = exitCodes.ok;
  const shared = (): { url?: string; json?: true } => program.opts();
  const url = (): string => shared().url ?? process.env.WEIR_URL ?? defaultUrl;
  const context: CommandContext = {
    terminal,
    stdin: process.stdin,
    url,
    urlGiven: () => shared().url !== undefined,
    client: (waitMs) => nodeClient(url(), waitMs),
    json: () => args.includes('--json'),
    done: (outcome) => {
      code = outcome;
    },
  };
  program
    .description('Durable flows between organisations: run a node, start flows, see what they wait on.')
    .version(versionOf(), '--version')
    .option('--url <url>', `address of the node (default: WEIR_URL, else ${defaultUrl})`)
    .option('--json', 'answers and errors as JSON')
    .addHelpText('after', exitCodeHelp)
    .showSuggestionAfterError();
  upCommand(program, context);
  workerCommand(program, context);
  flowCommands(program, context);
  nodeCommands(program, context);
  errorCommands(program, context);
  clusterCommands(program, context);
  hospitalCommands(program, context);
  auditCommands(program, context);
  actorCommands(program, context);
  chaosCommands(program, context);
  logCommands(program, context);
  reshardCommand(program, context);
  doctorCommand(program, context);
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput({ outputError: () => undefined });
  }

  // Whoever reads the answer may have seen enough (`weir flow list | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
    // Help that was printed because a command is missing says it all.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return exitCodes.usage;
    const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
    terminal.error(failureText(error, context.json()));
    return exitCodeOf(error);
  }
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function usageError({ message }: CommanderError): WeirError {
  return new WeirError('WEIR_CLI_USAGE', {
    why: message.replace(/^error: /, '').replaceAll('\n', ' '),
    help: 'weir --help',
  });
}

/** `weir flow retry|skip|kill|cancel`: an operator intervenes, on one flow or on many that are STUCK. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { WeirError } from '../errors/index.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { flowText, shortened } from './flow-text.ts';
import { type StuckFlags, stuckFlagNames, withStuckFlags } from './hospital-commands.ts';
import { readInput } from './input.ts';
import { flowAnswer, treatedAnswer } from './node-client.ts';
import { columns, printJson } from './output.ts';

interface BulkFlags extends StuckFlags {
  readonly all?: true;
  readonly dryRun?: boolean;
  readonly reason: string;
}

export function interventionCommands(flow: Command, context: CommandContext): void {
  const { terminal, stdin, client, json } = context;
  const act = async (flowId: string, path: string, body: Record<string, unknown>): Promise<void> => {
    const answer = await client().post(flowAnswer, `/flows/${encodeURIComponent(flowId)}/${path}`, body);
    if (json()) return printJson(terminal, answer);
    terminal.out(flowText(answer));
  };
  const reason = ['--reason <text>', 'why; kept in the history of the flow and in the audit'] as const;

  withBulk(flow.command('retry'))
    .description('let a STUCK flow try again what failed, or begin its stage anew with another state')
    .requiredOption(...reason)
    .option('--state <json>', 'begin the stage anew with this state (JSON, @file or - for standard input)')
    .action(async (flowId: string | undefined, { state, ...flags }: BulkFlags & { readonly state?: string }) => {
      const of = oneOf('retry', flowId, state === undefined ? flags : { ...flags, state });
      if (of === undefined) return actOnMany('retry', flags, {}, context);
      const edited = state === undefined ? {} : { state: await readInput(state, stdin) };
      return act(of, 'retry', { reason: flags.reason, ...edited });
    });

  withBulk(flow.command('skip'))
    .description('let a STUCK flow go on as if what failed had given a result')
    .requiredOption(...reason)
    .option('--result <json>', 'the result (JSON, @file or - for standard input); default: nothing')
    .action(async (flowId: string | undefined, { result, ...flags }: BulkFlags & { readonly result?: string }) => {
      const of = oneOf('skip', flowId, flags);
      const given = result === undefined ? {} : { result: await readInput(result, stdin) };
      if (of === undefined) return actOnMany('skip', flags, given, context);
      return act(of, 'skip', { reason: flags.reason, ...given });
    });

  withBulk(flow.command('kill'))
    .description('end a flow; its peers are told. With --all: those that are STUCK')
    .requiredOption(...reason)
    .action(async (flowId: string | undefined, flags: BulkFlags) => {
      const of = oneOf('kill', flowId, flags);
      return of === undefined ? actOnMany('kill', flags, {}, context) : act(of, 'kill', { reason: flags.reason });
    });

  flow
    .command('cancel')
    .description('let a flow run its cleanup and end; its peers are told')
    .argument('<id>', 'flow id')
    .requiredOption(...reason)
    .action((flowId: string, options: { readonly reason: string }) =>
      act(flowId, 'cancel', { reason: options.reason }),
    );
}

/** A command that acts on one flow, or with `--all` on many. */
function withBulk(command: Command): Command {
  return withStuckFlags(command.argument('[id]', 'flow id; none with --all'))
    .option('--all', 'on every STUCK flow, or on those that the other flags say')
    .option('--dry-run', 'with --all: only say which flows they are');
}

/** The flow to act on; undefined for many. @throws WeirError `WEIR_CLI_USAGE` when the flags do not fit together */
function oneOf(
  act: string,
  flowId: string | undefined,
  flags: BulkFlags & { readonly state?: string },
): string | undefined {
  const refuse = (why: string): never => {
    throw new WeirError('WEIR_CLI_USAGE', { why, help: `weir flow ${act} --help` });
  };
  if (flags.all === true) {
    if (flowId !== undefined) refuse('name a flow, or --all, not both');
    if (flags.state !== undefined) refuse('--state is for one flow: states differ');
    return undefined;
  }
  const given = stuckFlagNames.find((name) => flags[name] !== undefined);
  if (given !== undefined) refuse(`--${given} goes with --all`);
  if (flags.dryRun === true) refuse('--dry-run goes with --all');
  return flowId ?? refuse('name a flow, or --all');
}

/** Acts on all flows that the flags say, and tells for how many it took effect. */
async function actOnMany(
  act: 'retry' | 'skip' | 'kill',
  { all: _, dryRun = false, reason, ...flags }: BulkFlags,
  more: Record<string, unknown>,
  { terminal, client, json, done }: CommandContext,
): Promise<void> {
  const filter = Object.fromEntries(stuckFlagNames.map((name) => [name, flags[name]]));
  const flowIds: string[] = [];
  const refused: z.output<typeof treatedAnswer>['refused'] = [];
  let took = 0;
  let cursor: string | undefined;
  do {
    const body = { reason, ...more, ...filter, all: true, dryRun, cursor };
    const answer = await client().post(treatedAnswer, `/hospital/${act}`, body);
    flowIds.push(...answer.flowIds);
    refused.push(...answer.refused);
    took += answer.done;
    cursor = answer.cursor;
  } while (cursor !== undefined);
  if (refused.length > 0) done(exitCodes.failed);
  if (json()) return printJson(terminal, { flowIds, done: took, refused, dryRun });
  if (flowIds.length === 0) return terminal.out('No flows are STUCK like that.\n');
  if (dryRun) {
    for (const flowId of flowIds) terminal.out(`${flowId}\n`);
    return terminal.out(`${act} would be for ${flowIds.length} flows; nothing was done\n`);
  }
  terminal.out(`${act}: done for ${took} of ${flowIds.length} flows\n`);
  if (refused.length === 0) return;
  terminal.out('\n');
  const rows = refused.map(({ flowId, code, message }) => [flowId, `${code}: ${shortened(message)}`]);
  terminal.out(columns(['FLOW ID', 'REFUSED'], rows));
}

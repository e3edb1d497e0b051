/** `weir flow ...`: starts flows, shows them, and lets an operator intervene. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { toMs } from '../ports/index.ts';
import { compatCommand } from './compat-command.ts';
import type { CommandContext } from './context.ts';
import { Refusal } from './failure.ts';
import { isOpen, outcomeOf, statuses, statusOf } from './flow-status.ts';
import { flowTable, flowText } from './flow-text.ts';
import { readInput } from './input.ts';
import { interventionCommands } from './intervention-commands.ts';
import {
  type FlowAnswer,
  flowAnswer,
  type NodeClient,
  pageAnswer,
  queryAnswer,
  signalledAnswer,
  startedAnswer,
  waitingAnswer,
} from './node-client.ts';
import { printJson } from './output.ts';
import { watchCommand } from './watch-command.ts';

interface StartFlags {
  readonly input: string;
  readonly requestId?: string;
  readonly wait?: string;
  readonly group?: string;
}

interface ListFlags {
  readonly member?: string;
  readonly group?: string;
  readonly status?: string;
  readonly flow?: string;
  readonly limit?: string;
  readonly all?: true;
}

const groupFlag = ['--group <name>', 'membership group of the member (default: "default")'] as const;

export function flowCommands(program: Command, context: CommandContext): void {
  const { terminal, stdin, client, json, done } = context;
  const flow = program
    .command('flow')
    .description(
      'start, list, show, watch, signal, query, retry, skip, cancel and kill flows; compat says what new code makes of them',
    );

  flow
    .command('start')
    .description('start a flow; the same request id and input give the same flow')
    .argument('<member>', 'name of the member that runs it, or its short id')
    .argument('<flow>', 'name of the flow')
    .option('--input <json>', 'input as JSON, @file, or - for standard input', '{}')
    .option('--request-id <id>', 'client request id (default: a new one)')
    .option('--wait <duration>', 'wait for the result, such as 30s, at most 5 min')
    .option(...groupFlag)
    .action(async (member: string, name: string, flags: StartFlags) => {
      const { wait, group, requestId: clientRequestId = randomUUID() } = flags;
      const body = { clientRequestId, flow: name, input: await readInput(flags.input, stdin) };
      const path = `/members/${encodeURIComponent(member)}/flows`;
      const node = client(wait === undefined ? 0 : toMs(wait));
      if (wait === undefined) {
        const started = await node.post(startedAnswer, path, body, { group });
        if (json()) return printJson(terminal, started);
        const { flowId, created } = started;
        return terminal.out(
          `${flowId}  ${created ? 'started' : 'was started before'} (request id ${clientRequestId})\n`,
        );
      }
      const answer = await node.post(flowAnswer, path, body, { group, wait });
      if (json()) printJson(terminal, answer);
      else terminal.out(flowText(answer));
      done(outcomeOf(answer));
    });

  flow
    .command('list')
    .description('list flows, newest first')
    .option('--member <name>', 'only those of this member')
    .option(...groupFlag)
    .option('--status <status>', `only those with this status: ${statuses.join(', ')}`, statusOf)
    .option('--flow <name>', 'only those of this flow')
    .option('--limit <count>', 'how many, or how many a page with --all, 1 to 1000 (default: 100)')
    .option('--all', 'every page')
    .action(async ({ member, all, ...flags }: ListFlags) => {
      const path = member === undefined ? '/flows' : `/members/${encodeURIComponent(member)}/flows`;
      const flows: FlowAnswer[] = [];
      let cursor: string | undefined;
      do {
        const page = await client().get(pageAnswer, path, { ...flags, cursor });
        flows.push(...page.flows);
        cursor = page.cursor;
      } while (all && cursor !== undefined);
      if (json()) return printJson(terminal, { flows, ...(cursor === undefined ? {} : { cursor }) });
      terminal.out(flowTable(flows));
      if (cursor !== undefined) terminal.out('There are more: add --all, or raise --limit.\n');
    });

  flow
    .command('show')
    .description('show one flow: its history, what it waits on, its result')
    .argument('<id>', 'flow id')
    .action(async (flowId: string) => {
      const path = `/flows/${encodeURIComponent(flowId)}`;
      const answer = await client().get(flowAnswer, path);
      const waiting = isOpen(answer) ? await waitingOf(client(), path) : undefined;
      if (json()) return printJson(terminal, waiting === undefined ? answer : { ...answer, waiting });
      terminal.out(flowText(answer, waiting));
    });

  watchCommand(flow, context);
  compatCommand(flow, context);
  interventionCommands(flow, context);

  flow
    .command('signal')
    .description('give a running flow a signal')
    .argument('<id>', 'flow id')
    .argument('<signal>', 'name of the signal')
    .option('--body <json>', 'what it says (JSON, @file or - for standard input); default: nothing')
    .option('--id <id>', 'names the signal: the same id and body are the same signal (default: a new one)')
    .action(async (flowId: string, signal: string, options: { readonly body?: string; readonly id?: string }) => {
      const body = options.body === undefined ? {} : { body: await readInput(options.body, stdin) };
      const signalId = options.id ?? randomUUID();
      const path = `/flows/${encodeURIComponent(flowId)}/signals/${encodeURIComponent(signal)}`;
      const answer = await client().post(signalledAnswer, path, { signalId, ...body });
      if (json()) return printJson(terminal, answer);
      terminal.out(`${signal} ${answer.accepted ? 'given' : 'was given before'} to ${flowId} (id ${signalId})\n`);
    });

  flow
    .command('query')
    .description('ask a running flow something; its code does not run')
    .argument('<id>', 'flow id')
    .argument('<query>', 'name of the query')
    .option('--input <json>', 'what it takes (JSON, @file or - for standard input)')
    .action(async (flowId: string, query: string, options: { readonly input?: string }) => {
      const input = options.input === undefined ? {} : { input: await readInput(options.input, stdin) };
      const path = `/flows/${encodeURIComponent(flowId)}/queries/${encodeURIComponent(query)}`;
      printJson(terminal, (await client().post(queryAnswer, path, input)).value ?? null);
    });
}

/** What an open flow waits on; it may have ended meanwhile, or its shard may be on the move. */
async function waitingOf(node: NodeClient, path: string) {
  try {
    return await node.get(waitingAnswer, `${path}/waiting`);
  } catch (thrown) {
    if (thrown instanceof Refusal) return undefined;
    throw thrown;
  }
}

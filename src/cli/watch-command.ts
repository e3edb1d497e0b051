/** `weir flow watch`: flows as they change, until the one that is watched has ended, or until Ctrl-C. */
import type { Command } from 'commander';
import { WeirError } from '../errors/index.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { followFeed, type Subscription } from './feed-client.ts';
import { FlowLines } from './flow-lines.ts';
import { outcomeOf, statuses, statusOf } from './flow-status.ts';
import { flowText } from './flow-text.ts';
import type { FlowAnswer } from './node-client.ts';
import { printLine } from './output.ts';
import { exitCodeOfSignal, onSignals } from './signals.ts';

interface WatchFlags {
  readonly request?: string;
  readonly member?: string;
  readonly group?: string;
  readonly status?: string;
  readonly flow?: string;
  readonly all?: true;
}

export function watchCommand(flow: Command, { terminal, url, json, done }: CommandContext): void {
  flow
    .command('watch')
    .description(
      'follow flows as they change, over restarts of the node; one flow until it has ended, else until Ctrl-C',
    )
    .argument('[id]', 'flow id: only this flow')
    .option('--request <id>', 'only the flow that this client request id of --member has started')
    .option('--member <name>', 'only flows of this member')
    .option('--group <name>', 'membership group of the member (default: "default")')
    .option('--status <status>', `only those that get this status, or leave it: ${statuses.join(', ')}`, statusOf)
    .option('--flow <name>', 'only those of this flow')
    .option('--all', 'begin with the flows that there are')
    .action(async (flowId: string | undefined, flags: WatchFlags) => {
      const subscription = subscriptionOf(flowId, flags);
      const one = subscription.flowId !== undefined || subscription.clientRequestId !== undefined;
      const leave = new AbortController();
      onSignals(
        () => leave.abort(),
        (signal) => process.exit(exitCodeOfSignal(signal)),
      );
      // Whoever reads may have seen enough (`weir flow watch | head`).
      process.stdout.on('error', () => leave.abort());

      const lines = new FlowLines();
      let last: FlowAnswer | undefined;
      const onFlows = (flows: readonly FlowAnswer[]): void => {
        for (const answer of flows) {
          last = answer;
          const text = lines.of(answer, !one);
          if (text === '') continue;
          if (json()) printLine(terminal, answer);
          else terminal.out(text);
        }
      };
      const onNote = (text: string): void =>
        terminal.error(json() ? `${JSON.stringify({ note: text })}\n` : `weir: ${text}\n`);
      await followFeed(url(), subscription, { onFlows, onNote }, leave.signal);
      if (!one) return;
      if (last === undefined) return done(exitCodes.unfinished);
      if (!json()) terminal.out(`\n${flowText(last)}`);
      done(outcomeOf(last));
    });
}

/** @throws WeirError `WEIR_CLI_USAGE` */
function subscriptionOf(flowId: string | undefined, flags: WatchFlags): Subscription {
  const { request, member, group, status, flow, all } = flags;
  const many = status !== undefined || flow !== undefined || all !== undefined;
  const usage = (why: string): WeirError => new WeirError('WEIR_CLI_USAGE', { why, help: 'weir flow watch --help' });
  if (flowId !== undefined && (many || member !== undefined || request !== undefined)) {
    throw usage('a flow id names one flow: it needs no other option');
  }
  if (request !== undefined && many) throw usage('--request names one flow: it needs --member, and no other option');
  if (request !== undefined && member === undefined) throw usage('--request needs --member');
  if (group !== undefined && member === undefined) throw usage('--group needs --member');
  const one = flowId !== undefined || request !== undefined;
  const from = one || all !== undefined ? undefined : 'now';
  return { flowId, clientRequestId: request, member, group, status, flow, from };
}

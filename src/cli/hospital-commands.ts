/** `weir hospital ...`: flows that are STUCK, with what an operator has to know of them. */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { memberText, operationText, shortened } from './flow-text.ts';
import { type HospitalAnswer, hospitalAnswer } from './node-client.ts';
import { columns, printJson, timeText } from './output.ts';

/** Which STUCK flows. */
export interface StuckFlags {
  readonly member?: string;
  readonly group?: string;
  readonly flow?: string;
  readonly stage?: string;
  readonly code?: string;
}

interface ListFlags extends StuckFlags {
  readonly limit?: string;
  readonly all?: true;
}

export const stuckFlagNames = ['member', 'group', 'flow', 'stage', 'code'] as const;

export function withStuckFlags(command: Command): Command {
  return command
    .option('--member <name>', 'only flows of this member')
    .option('--group <name>', 'membership group of the member (default: "default")')
    .option('--flow <name>', 'only flows of this kind')
    .option('--stage <name>', 'only flows in this stage')
    .option('--code <code>', 'only flows that this error has made STUCK');
}

export function hospitalCommands(program: Command, { terminal, client, json }: CommandContext): void {
  const hospital = program.command('hospital').description('flows that are STUCK');
  withStuckFlags(hospital.command('list').description('list STUCK flows with what failed, newest first'))
    .option('--limit <count>', 'how many, or how many a page with --all, 1 to 1000 (default: 100)')
    .option('--all', 'every page')
    .action(async ({ all, ...flags }: ListFlags) => {
      const flows: HospitalAnswer['flows'] = [];
      let cursor: string | undefined;
      do {
        const page = await client().get(hospitalAnswer, '/hospital', { ...flags, cursor });
        flows.push(...page.flows);
        cursor = page.cursor;
      } while (all && cursor !== undefined);
      if (json()) return printJson(terminal, { flows, ...(cursor === undefined ? {} : { cursor }) });
      terminal.out(hospitalTable(flows));
      if (cursor !== undefined) terminal.out('There are more: add --all, or raise --limit.\n');
    });
}

function hospitalTable(flows: HospitalAnswer['flows']): string {
  if (flows.length === 0) return 'No flows.\n';
  return columns(
    ['FLOW ID', 'FLOW', 'MEMBER', 'STAGE', 'SINCE (UTC)', 'UNTIL (UTC)', 'FAILED', 'STAYS', 'ERROR', 'STATE'],
    flows.map(({ flowId, flow, member, stage, updatedAt, error, trouble }) => [
      flowId,
      flow,
      memberText(member),
      stage,
      timeText(updatedAt),
      timeText(trouble?.until),
      trouble?.failed === undefined ? '' : operationText(trouble.failed),
      trouble === undefined ? '' : String(trouble.stays.length),
      `${error.code}: ${shortened(error.message)}`,
      trouble?.state === undefined ? '' : shortened(JSON.stringify(trouble.state)),
    ]),
  );
}

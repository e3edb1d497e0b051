/**
 * `weir flow compat`: before a deployment, what the code of a configuration makes of the flows that are unfinished. They
 * are judged here, in this process, which has that code; the node they are read from, if it runs, has another one.
 */
import type { Command } from 'commander';
import { WeirError } from '../errors/index.ts';
import type { Configuration, JudgedFlow } from '../worker/index.ts';
import { compatGroups, compatList, compatText } from './compat-text.ts';
import { type ConfigurationFlags, readConfiguration } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { Refusal } from './failure.ts';
import { checkpointAnswer, type NodeClient, pageAnswer } from './node-client.ts';
import { configurationOptions, onLog } from './offline.ts';
import { printJson } from './output.ts';

interface CompatFlags extends ConfigurationFlags {
  readonly list?: true;
  readonly strict?: true;
}

interface Judged {
  readonly flows: readonly JudgedFlow[];
  /** Ids of flows whose checkpoint this version of Weir cannot read. */
  readonly unreadable: readonly string[];
}

/** Flows that a node is asked for at one time. */
const atOnce = 16;

export function compatCommand(flow: Command, { terminal, json, done, client, urlGiven }: CommandContext): void {
  configurationOptions(flow.command('compat'))
    .description(
      'say what the code of the configuration makes of unfinished flows: of a stopped node, or with --url of a running one',
    )
    .option('--list', 'every flow, not only how many')
    .option('--strict', 'exit code 1 also when flows would have to wait for other code')
    .action(async ({ list, strict, ...flags }: CompatFlags) => {
      const judged = urlGiven() ? await ofNode(client(), flags) : await ofLog(flags).catch(withHint);
      const { unreadable } = judged;
      const flows = judged.flows.toSorted(inOrder);
      const groups = compatGroups(flows);
      if (json()) printJson(terminal, { summary: groups, flows, unreadable });
      else {
        terminal.out((list === true && flows.length > 0 ? compatList(flows) : '') + compatText(flows, groups));
        for (const id of unreadable) terminal.out(`flow ${id} cannot be read by this version of Weir\n`);
      }
      const stuck = flows.some(({ verdict, status }) => verdict === 'stuck' && status === 'RUNNING');
      const waits = unreadable.length > 0 || flows.some(({ verdict }) => verdict === 'waits');
      if (stuck || (strict === true && waits)) done(exitCodes.failed);
    });
}

async function ofLog(flags: ConfigurationFlags): Promise<Judged> {
  const { unfinishedFlows } = await import('../worker/index.ts');
  const flows: JudgedFlow[] = [];
  const unreadable: string[] = [];
  await onLog({ flags }, async (log, { configuration }) => {
    const judge = await judgeOf(configuration);
    for await (const shard of unfinishedFlows(log)) {
      for (const checkpoint of shard.checkpoints) flows.push(judge(checkpoint));
      unreadable.push(...shard.unreadable);
    }
  });
  return { flows, unreadable };
}

/** Somebody has the log: most likely the node, which can be asked as well. */
function withHint(thrown: unknown): never {
  if (!WeirError.is(thrown, 'WEIR_LOG_IN_USE') && !WeirError.is(thrown, 'WEIR_LOG_RUNNING')) throw thrown;
  const why = `${thrown.message}; a node that runs is asked with --url`;
  throw new WeirError('WEIR_CLI_USAGE', { why, help: 'weir flow compat --help' }, thrown);
}

async function ofNode(node: NodeClient, flags: ConfigurationFlags): Promise<Judged> {
  const judge = await judgeOf(await readConfiguration(flags));
  const { CheckpointReader } = await import('../worker/index.ts');
  const reader = new CheckpointReader();
  const unreadable: string[] = [];
  const read = async (flowId: string): Promise<void> => {
    try {
      const { records } = await node.get(checkpointAnswer, `/flows/${encodeURIComponent(flowId)}/checkpoint`);
      for (const { key, value } of records) reader.take({ key, value: Buffer.from(value, 'base64') });
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      // It has ended meanwhile.
      if (thrown.code === 'WEIR_FLOW_FINISHED' || thrown.code === 'WEIR_FLOW_NOT_FOUND') return;
      if (thrown.code !== 'WEIR_RECORD_UNREADABLE') throw thrown;
      unreadable.push(flowId);
    }
  };
  const flows: JudgedFlow[] = [];
  for (const status of ['RUNNING', 'STUCK']) {
    let cursor: string | undefined;
    do {
      const page = await node.get(pageAnswer, '/flows', { status, limit: 1_000, cursor });
      const ids = page.flows.map(({ flowId }) => flowId);
      for (let from = 0; from < ids.length; from += atOnce) await Promise.all(ids.slice(from, from + atOnce).map(read));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  for (const checkpoint of reader.checkpoints) flows.push(judge(checkpoint));
  return { flows, unreadable: [...unreadable, ...reader.unreadable] };
}

/** The same wherever they were read from. */
function inOrder(a: JudgedFlow, b: JudgedFlow): number {
  return a.flow.localeCompare(b.flow) || a.from - b.from || (a.flowId < b.flowId ? -1 : 1);
}

async function judgeOf(configuration: Configuration) {
  const { flowJudge, loadMembers } = await import('../worker/index.ts');
  return flowJudge(await loadMembers(configuration));
}

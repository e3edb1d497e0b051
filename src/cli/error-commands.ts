/** `weir errors`: what has gone wrong in any worker of a node. */
import type { Command } from 'commander';
import { toMs } from '../ports/index.ts';
import type { CommandContext } from './context.ts';
import { type ErrorsAnswer, errorsAnswer } from './node-client.ts';
import { printJson, printLine, timeText } from './output.ts';

interface ErrorFlags {
  readonly worker?: string;
  readonly service?: string;
  readonly code?: string;
  readonly since?: string;
  readonly limit: string;
  readonly follow?: true;
}

/** How long a look at the stream waits for the next error before it asks again. */
const followWait = '60s';

export function errorCommands(program: Command, { terminal, client, json }: CommandContext): void {
  program
    .command('errors')
    .description('what has gone wrong in any worker of the node, oldest first; it asks one worker and is told of all')
    .option('--worker <name>', 'only errors of this worker')
    .option('--service <name>', 'only errors of this service, such as flow')
    .option('--code <code>', 'only errors of this code, such as WEIR_CHILD_DOWN')
    .option('--since <time>', 'only errors since then: a time, or how long ago (1h)')
    .option('--limit <count>', 'so many of the newest, 1 to 1000', '50')
    .option('--follow', 'go on with what comes, until Ctrl-C; with --json one line for each error')
    .action(async ({ follow, limit, ...filter }: ErrorFlags) => {
      const newest = await client().get(errorsAnswer, '/errors', { ...filter, limit });
      const errors = newest.errors.toReversed();
      if (json() && follow === undefined) return printJson(terminal, { ...newest, errors });
      const show = (some: ErrorsAnswer['errors']): void => {
        for (const error of some) json() ? printLine(terminal, error) : terminal.out(errorText(error));
      };
      show(errors);
      if (follow === undefined) return;
      for (let after = newest.next; ; ) {
        const page = await client(toMs(followWait)).get(errorsAnswer, '/errors', {
          ...filter,
          after,
          wait: followWait,
        });
        show(page.errors);
        after = page.next;
      }
    });
}

/** One line that says what happened where, and one that says about whom it is and what to do. */
function errorText(error: ErrorsAnswer['errors'][number]): string {
  const { at, worker, service, severity, code, message, count, causes, flowId, member, actor, details, remedy } = error;
  const times = count > 1 ? ` (${count} times since ${timeText(error.since)})` : '';
  const about = [
    flowId === undefined ? '' : `flow ${flowId}${member === undefined ? '' : ` of ${member}`}`,
    actor ?? '',
    detailsText(details),
    ...causes.map((cause) => `cause: ${cause}`),
    remedy === '' ? '' : `to do: ${remedy}`,
  ];
  const lines = [
    `${timeText(at)}  ${severity === 'error' ? 'ERROR' : 'WARN '}  ${worker}  ${service}  ${code}  ${message}${times}`,
    `    ${about.filter((part) => part !== '').join('; ')}`,
  ];
  return lines.map((line) => `${oneLine(line)}\n`).join('');
}

/** `partition 3, topic flow.state`: what fits into a line. */
function detailsText(details: Readonly<Record<string, unknown>> = {}): string {
  const short = Object.entries(details).filter(([, value]) => typeof value !== 'object');
  return short.map(([name, value]) => `${name} ${String(value)}`).join(', ');
}

/** Messages come from anywhere: whatever is in them, they move no cursor and begin no line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trimEnd();
}

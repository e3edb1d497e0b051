/** `weir tree` and `weir actor ...`: what runs in a node, what happens in it, and how an operator steers one actor. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { toMs } from '../ports/index.ts';
import { actorRows, eventRows, traceRows } from './actor-text.ts';
import type { CommandContext } from './context.ts';
import { eventsAnswer, steeredAnswer, traceAnswer, treeAnswer } from './node-client.ts';
import { columns, printJson, printLine } from './output.ts';

interface TreeFlags {
  readonly depth?: string;
  readonly watch?: true;
  readonly every: string;
}

interface TraceFlags {
  readonly for: string;
  readonly limit?: string;
  readonly every?: string;
}

const acts = {
  suspend: 'let it handle nothing more, until it is resumed, restarted or stopped; its messages wait',
  resume: 'let a suspended one go on',
  restart:
    'give it a new incarnation: its state goes, its messages stay; its supervisor does not count it as a failure',
  stop: 'end it and what is below it; its supervisor says what follows',
};

/** How long a look at events waits for the next one before it asks again. */
const eventsWait = '60s';

export function actorCommands(program: Command, { terminal, client, json }: CommandContext): void {
  program
    .command('tree')
    .description('the live tree of actors: state, incarnation, restarts, mailboxes, turns, last failure, facts')
    .argument('[path]', 'only this actor and what is below it, such as /services/flow')
    .option('--depth <levels>', 'so many levels, 1 to 1000')
    .option('--watch', 'again and again, until Ctrl-C; with --json one line for each look')
    .option('--every <duration>', 'time between two looks', '1s')
    .action(async (path: string | undefined, { depth, watch, every }: TreeFlags) => {
      const everyMs = toMs(every);
      for (;;) {
        const { actors } = await client().get(treeAnswer, '/tree', { path, depth });
        if (json()) (watch === undefined ? printJson : printLine)(terminal, { actors });
        else {
          const head = ['ACTOR', 'STATE', 'UID', 'RESTARTS', 'MAILBOX', 'WAIT', 'TURN', 'FACTS'];
          const text = columns(
            head,
            actors.flatMap((actor) => actorRows(actor)),
          );
          terminal.out(watch !== undefined && terminal.redraws ? `\x1b[H\x1b[2J${text}` : text);
        }
        if (watch === undefined) return;
        await pause(everyMs);
      }
    });

  const actor = program.command('actor').description('steer, trace and watch single actors of a node');

  for (const [act, description] of Object.entries(acts)) {
    actor
      .command(act)
      .description(description)
      .argument('<path>', 'the actor, such as /services/rpc (see `weir tree`)')
      .requiredOption('--reason <text>', 'why; kept in the log of the node')
      .action(async (path: string, { reason }: { readonly reason: string }) => {
        const answer = await client().post(steeredAnswer, `/actors/${act}`, { path, reason });
        if (json()) return printJson(terminal, answer);
        terminal.out(`${act} ${path}: done, it is ${answer.state ?? 'gone'}\n`);
      });
  }

  actor
    .command('trace')
    .description('kinds and times of the messages that it handles from now on; never what they carry')
    .argument('<path>', 'the actor, such as /services/rpc (see `weir tree`)')
    .option('--for <duration>', 'how long to look, at most 5 min', '10s')
    .option('--limit <count>', 'messages shown, the newest, 1 to 1000 (default: 100)')
    .option('--every <count>', 'one message out of so many (default: each)')
    .action(async (path: string, flags: TraceFlags) => {
      const answer = await client(toMs(flags.for)).get(traceAnswer, '/actors/trace', { path, ...flags });
      if (json()) return printJson(terminal, answer);
      terminal.out(columns(['AT (UTC)', 'KIND', 'WAITED', 'TOOK', 'BEHIND', 'OUTCOME'], traceRows(answer.entries)));
      terminal.out(`${answer.seen} messages in ${flags.for}, ${answer.entries.length} shown\n`);
    });

  actor
    .command('events')
    .description('what has happened to actors: started, failed, restarted, escalated, stopped, dead letters')
    .option('--follow', 'go on with what happens, until Ctrl-C; with --json one line for each event')
    .action(async ({ follow }: { readonly follow?: true }) => {
      let since = 0;
      let wait: string | undefined;
      for (;;) {
        const page = await client(toMs(wait ?? 0)).get(eventsAnswer, '/actors/events', { since, wait });
        if (!json()) terminal.out(eventRows(page, since > 0));
        else if (follow === undefined) printJson(terminal, page);
        else for (const event of page.events) printLine(terminal, event);
        if (follow === undefined) return;
        since = page.next;
        wait = eventsWait;
      }
    });
}

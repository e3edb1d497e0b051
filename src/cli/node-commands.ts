/** `weir status`: what a node waits on. */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { statusAnswer } from './node-client.ts';
import { columns, facts, printJson, timeText } from './output.ts';

export function nodeCommands(program: Command, { terminal, client, json, done }: CommandContext): void {
  program
    .command('status')
    .description('what waits on what, phases of shards, health of the log; exit code 3 while the node is not ready')
    .action(async () => {
      const status = await client().get(statusAnswer, '/status');
      done(status.ready ? exitCodes.ok : exitCodes.unreachable);
      if (json()) return printJson(terminal, status);
      const { services, shards, log, waiting } = status;
      terminal.out(
        facts([
          ['node', status.ready ? 'ready' : 'not ready'],
          [
            'log',
            `${log.driver}, ${log.state}${log.error === undefined ? '' : `: ${log.error}, since ${timeText(log.since)}`}`,
          ],
          ['shards', phasesText(shards.map(({ phase }) => phase))],
        ]),
      );
      for (const reason of waiting) terminal.out(`  ${reason}\n`);
      terminal.out('\n');
      terminal.out(
        columns(
          ['SERVICE', 'STATE', 'WAITS ON', 'RESTARTS', 'LAST FAILURE'],
          services.map(({ id, state, waitsOn, lacks = [], restarts, lastFailure = '' }) => [
            id,
            state,
            [...waitsOn, ...lacks.map((used) => `${used} (does without)`)].join(', '),
            String(restarts),
            lastFailure,
          ]),
        ),
      );
      const odd = shards.filter(({ phase, restarts }) => phase !== 'running' || restarts > 0);
      if (odd.length === 0) return;
      terminal.out('\n');
      terminal.out(
        columns(
          ['SHARD', 'PHASE', 'RESTARTS', 'LAST FAILURE'],
          odd.map(({ partition, phase, restarts, lastFailure = '' }) => [
            String(partition),
            phase,
            String(restarts),
            lastFailure,
          ]),
        ),
      );
    });
}

/** `8 running`, `6 running, 2 restoring`. */
function phasesText(phases: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const phase of phases) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return [...counts].map(([phase, count]) => `${count} ${phase}`).join(', ') || 'none';
}

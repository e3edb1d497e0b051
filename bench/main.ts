/**
 * `npm run bench -- --help`: measures Weir on this machine.
 */
import { Command } from 'commander';
import { count } from '../scripts/option-values.ts';
import { progress } from './child.ts';
import { type Section, tableOf } from './figures.ts';
import { livesByDefault } from './flow-sections.ts';
import { kafka } from './kafka.ts';
import { machine, machineLine } from './machine.ts';
import { peers } from './peers.ts';
import { groups, sections } from './sections.ts';

const all = new Map([...sections, ['kafka', kafka] as const, ['peers', peers] as const]);
const names = [...groups.keys(), ...all.keys()].join(', ');

interface Flags {
  readonly json: boolean;
  readonly lives: number;
}

const program = new Command('bench')
  .description('Measures Weir on this machine: tables to standard output, progress to standard error.')
  .argument('[section...]', `of ${names}; default: all but kafka, which needs Java, and peers, which installs engines`)
  .option('--json', 'print one object', false)
  .option('--lives <n>', 'flows in the section lives', count, livesByDefault);

async function main(named: readonly string[], { json, lives }: Flags): Promise<void> {
  const chosen = [...new Set(named.flatMap((name) => groups.get(name) ?? name))];
  const unknown = chosen.filter((name) => !all.has(name));
  if (unknown.length > 0) program.error(`There is no section ${unknown.join(', ')}; there are ${names}.`);
  const facts = machine();
  if (!json) process.stdout.write(`${machineLine(facts)}\n\n`);
  const measured: Section[] = [];
  for (const [place, name] of chosen.entries()) {
    progress(`${name} (${place + 1} of ${chosen.length})`);
    const section = await all.get(name)?.({ lives });
    if (section === undefined) continue;
    measured.push(section);
    if (!json) process.stdout.write(`${tableOf(section)}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ machine: facts, sections: measured }, undefined, 2)}\n`);
}

program.parse();
await main(program.args.length === 0 ? [...sections.keys()] : program.args, program.opts());

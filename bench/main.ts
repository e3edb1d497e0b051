/**
 * `npm run bench -- [SECTION...] [--json] [--lives N]`: measures Weir on this machine. Without a section all of them but
 * `kafka`, which needs Java, and `peers`, which installs other engines first. Tables go to standard output, progress to
 * standard error.
 */
import { parseArgs } from 'node:util';
import { progress } from './child.ts';
import { type Section, tableOf } from './figures.ts';
import { livesByDefault } from './flow-sections.ts';
import { kafka } from './kafka.ts';
import { machine, machineLine } from './machine.ts';
import { peers } from './peers.ts';
import { groups, sections } from './sections.ts';

const all = new Map([...sections, ['kafka', kafka] as const, ['peers', peers] as const]);
const usage = `npm run bench -- [${[...groups.keys(), ...all.keys()].join('|')}]... [--json] [--lives N]`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, lives: { type: 'string', default: String(livesByDefault) } },
    allowPositionals: true,
  });
  const named = positionals.length === 0 ? [...sections.keys()] : positionals;
  const chosen = [...new Set(named.flatMap((name) => groups.get(name) ?? name))];
  const lives = Number(values.lives);
  const unknown = chosen.filter((name) => !all.has(name));
  if (unknown.length > 0 || !Number.isSafeInteger(lives) || lives < 1) {
    const wrong = unknown.length > 0 ? `There is no section ${unknown.join(', ')}` : '--lives is a number of flows';
    process.stderr.write(`${wrong}. Usage: ${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const facts = machine();
  if (!values.json) process.stdout.write(`${machineLine(facts)}\n\n`);
  const measured: Section[] = [];
  for (const [place, name] of chosen.entries()) {
    progress(`${name} (${place + 1} of ${chosen.length})`);
    const section = await all.get(name)?.({ lives });
    if (section === undefined) continue;
    measured.push(section);
    if (!values.json) process.stdout.write(`${tableOf(section)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine: facts, sections: measured }, undefined, 2)}\n`);
}

await main();

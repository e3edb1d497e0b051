/**
 * `npm run bench -- [SECTION...] [--json]`: measures Weir on this machine. Without a section all of them but `peers`,
 * which installs other engines first. Tables go to standard output, progress to standard error.
 */
import { parseArgs } from 'node:util';
import { progress } from './child.ts';
import { type Section, tableOf } from './figures.ts';
import { machine, machineLine } from './machine.ts';
import { peers } from './peers.ts';
import { sections } from './sections.ts';

const all = new Map([...sections, ['peers', peers] as const]);
const usage = `npm run bench -- [${[...all.keys()].join('|')}]... [--json]`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const chosen = positionals.length === 0 ? [...sections.keys()] : positionals;
  const unknown = chosen.filter((name) => !all.has(name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no section ${unknown.join(', ')}. Usage: ${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const facts = machine();
  if (!values.json) process.stdout.write(`${machineLine(facts)}\n\n`);
  const measured: Section[] = [];
  for (const [place, name] of chosen.entries()) {
    progress(`${name} (${place + 1} of ${chosen.length})`);
    const section = await all.get(name)?.();
    if (section === undefined) continue;
    measured.push(section);
    if (!values.json) process.stdout.write(`${tableOf(section)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine: facts, sections: measured }, undefined, 2)}\n`);
}

await main();

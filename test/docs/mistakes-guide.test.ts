/** The mistakes of docs/guide/mistakes.md are told in the words that stand there, and in the table of the guide to flows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { programsOf, written } from './guide.ts';

const programs = programsOf('mistakes');
const guide = written(programs);
const shown = (file: string): string => programs.find((program) => program.file === file)?.printed ?? '';

describe('the guide to mistakes', () => {
  it('shows what the compiler says, and that it says nothing of the other program', async () => {
    expect(await guide.errors()).toEqual(shown('wrong.ts').trimEnd().split('\n'));
  });

  it('shows what the first test says', async () => {
    expect(await guide.output('mistakes.ts')).toBe(shown('mistakes.ts'));
  });

  it('is summed up in the guide to flows, in the same words', () => {
    const flows = readFileSync(join(import.meta.dirname, '../../docs/guide/flows.md'), 'utf8');
    const table = flows.slice(flows.indexOf('\n## Mistakes\n'), flows.indexOf('\n## Tests\n'));
    const rows = [...table.matchAll(/^\|.*\| `(.*)` \|$/gm)].map(([, words = '']) => words.replaceAll('\\|', '|'));
    expect(rows.length).toBeGreaterThan(15);
    const printed = `${shown('wrong.ts')}${shown('mistakes.ts')}`;
    expect(rows.filter((words) => !printed.includes(words))).toEqual([]);
  });
});

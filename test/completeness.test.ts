import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf, numbersIn, type Row, readTable, readTests, tableFile } from '../scripts/completeness.ts';

const root = join(import.meta.dirname, '..');

const row = (number: string, state: string, ...files: string[]): Row => ({ number, section: 's', files, state });
const tests = (numbers: Readonly<Record<string, readonly string[]>>): Map<string, Set<string>> =>
  new Map(Object.entries(numbers).map(([file, list]) => [file, new Set(list)]));

describe('completeness table', () => {
  const rows = readTable(readFileSync(join(root, tableFile), 'utf8'));

  it('the table of the project is true', () => {
    expect(faultsOf(rows, readTests(root))).toEqual([]);
  });

  it('every behaviour of the checklist has its row', () => {
    expect(rows).toHaveLength(238);
    // Within a section numbers have no gap, so that none can get lost.
    for (const [index, { number }] of rows.entries()) {
      const previous = rows[index - 1]?.number ?? '';
      const follows = previous.slice(0, 2) === number.slice(0, 2) ? Number(previous.slice(2)) + 1 : 1;
      expect(number).toBe(`${number.slice(0, 2)}${follows}`);
    }
  });
});

describe('completeness: what is wrong with a table', () => {
  it.each<[string, Row[], Record<string, string[]>, string[]]>([
    ['nothing', [row('FE1', 'done', 'test/a.ts'), row('FE2', 'open')], { 'test/a.ts': ['FE1', 'W3', 'AM05'] }, []],
    ['a test for an open number', [row('FE1', 'open')], { 'test/a.ts': ['FE1'] }, []],
    [
      'a done number without test',
      [row('FE1', 'done', 'test/a.ts')],
      { 'test/a.ts': [], 'test/b.ts': ['FE1'] },
      ['FE1 is done, but test/a.ts has no test for it'],
    ],
    [
      'a file that is not there',
      [row('FE1', 'part', 'test/x.ts')],
      {},
      ['FE1 is part, but test/x.ts has no test for it'],
    ],
    [
      'one of two files without test',
      [row('FE1', 'done', 'test/a.ts', 'test/b.ts')],
      { 'test/a.ts': ['FE1'], 'test/b.ts': [] },
      ['FE1 is done, but test/b.ts has no test for it'],
    ],
    ['a done number without file', [row('FE1', 'done')], {}, ['FE1 is done, but names no test file']],
    ['a number with two rows', [row('FE1', 'open'), row('FE1', 'open')], {}, ['FE1 has two rows']],
    ['an unknown state', [row('FE1', 'nearly')], {}, ['FE1 has the unknown state "nearly"']],
    [
      'a test for an unknown number',
      [row('FE1', 'open')],
      { 'test/a.ts': ['FE99'] },
      ['test/a.ts has a test for FE99, which has no row'],
    ],
  ])('%s', (_name, rows, numbers, faults) => {
    expect(faultsOf(rows, tests(numbers))).toEqual(faults);
  });
});

describe('completeness: reading', () => {
  it('a row has number, files and state under its section', () => {
    const table =
      '## Part\n\n| number | behaviour | test | state |\n|---|---|---|---|\n| FE1 | a \\| b | `test/a.ts`, test/b.ts | done |\n';
    expect(readTable(table)).toEqual([
      { number: 'FE1', section: 'Part', files: ['test/a.ts', 'test/b.ts'], state: 'done' },
    ]);
  });

  it.each([
    ["it('FE1 does', () => 1);", ['FE1']],
    ["test('FE1 FE2, W3 does', () => 1);", ['FE1', 'FE2', 'W3']],
    ["describe('FE1: does', () => { it('and FE2', () => 1); });", ['FE1']],
    ["it.each([1])('FE1 does %s', () => 1);", ['FE1']],
    ["describe.skipIf(true)('FE1 does', () => 1);", ['FE1']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    ['it(`FE1 with ${1} does`, () => 1);', ['FE1']],
    ["it('does FE1', () => 1); log('FE2 x'); const x = 'FE3 y'; // it('FE4 z')", []],
  ])('%s', (source, numbers) => {
    expect([...numbersIn('a.ts', source)]).toEqual(numbers);
  });
});

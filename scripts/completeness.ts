/**
 * The table of docs/completeness.md against the tests: reads both, says where they differ, counts the states.
 *
 * Usage: node scripts/completeness.ts
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

export type State = 'done' | 'part' | 'open';

export interface Row {
  readonly number: string;
  readonly section: string;
  /** Files that hold the tests, from the project's root. */
  readonly files: readonly string[];
  readonly state: string;
}

/** Numbers in front of the titles of tests, by file. */
export type TestNumbers = ReadonlyMap<string, ReadonlySet<string>>;

export const tableFile = 'docs/completeness.md';
const states: readonly string[] = ['done', 'part', 'open'] satisfies State[];
/** Contract suites are part of the test kit, so that others can use them. */
const testFolders = ['test', 'examples', 'src/testing'];

/** Rows of every table of the document, in order. */
export function readTable(markdown: string): Row[] {
  let section = '';
  return markdown.split('\n').flatMap((line): Row[] => {
    if (line.startsWith('## ')) section = line.slice(3).trim();
    // A `|` inside a cell is written `\|`.
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [, number = '', , files = '', state = ''] = cells;
    if (!/^[A-Z]{2}\d+$/.test(number)) return [];
    const paths = files.split(',').map((path) => path.replaceAll('`', '').trim());
    return [{ number, section, files: paths.filter((path) => path !== ''), state }];
  });
}

/** Numbers of all tests of the project. */
export function readTests(root: string): TestNumbers {
  const files = testFolders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')),
    );
  return new Map(files.map((file) => [file, numbersIn(file, readFileSync(join(root, file), 'utf8'))]));
}

/** Numbers in front of the titles of `it`, `test` and `describe`, also behind `.each(...)` and the like. */
export function numbersIn(file: string, source: string): ReadonlySet<string> {
  const numbers = new Set<string>();
  new Visitor({
    CallExpression(node) {
      if (!['it', 'test', 'describe'].includes(rootName(node.callee) ?? '')) return;
      const title = textOf(node.arguments[0]);
      for (const number of title?.match(/^(?:[A-Z]{1,2}\d+[ ,:]*(?:and )?)+/)?.[0].match(/[A-Z]{1,2}\d+/g) ?? []) {
        numbers.add(number);
      }
    },
  }).visit(parseSync(file, source).program);
  return numbers;
}

/** Sentences on what is wrong with the table; none when it is true. */
export function faultsOf(rows: readonly Row[], tests: TestNumbers): string[] {
  const known = new Set(rows.map(({ number }) => number));
  const prefixes = new Set(rows.map(({ number }) => prefixOf(number)));
  const twice = rows.filter(({ number }, at) => rows.findIndex((row) => row.number === number) < at);
  return [
    ...twice.map(({ number }) => `${number} has two rows`),
    ...rows.flatMap((row) => faultsOfRow(row, tests)),
    // Other texts that look like numbers (invariants such as W3, reason codes such as AM05) have other letters.
    ...[...tests].flatMap(([file, numbers]) =>
      [...numbers]
        .filter((number) => prefixes.has(prefixOf(number)) && !known.has(number))
        .map((number) => `${file} has a test for ${number}, which has no row`),
    ),
  ];
}

function faultsOfRow({ number, files, state }: Row, tests: TestNumbers): string[] {
  if (!states.includes(state)) return [`${number} has the unknown state "${state}"`];
  if (state === 'open') return [];
  if (files.length === 0) return [`${number} is ${state}, but names no test file`];
  return files
    .filter((file) => tests.get(file)?.has(number) !== true)
    .map((file) => `${number} is ${state}, but ${file} has no test for it`);
}

function prefixOf(number: string): string {
  return number.replace(/\d+$/, '');
}

interface Node {
  readonly type: string;
  readonly name?: unknown;
  readonly callee?: Node;
  readonly object?: Node;
  readonly tag?: Node;
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly cooked: string | null } }[];
}

/** `it` of `it(...)`, `it.only(...)`, `it.each(...)(...)` and of tables in template literals. */
function rootName(node: Node): string | undefined {
  const inner = node.callee ?? node.object ?? node.tag;
  if (inner !== undefined) return rootName(inner);
  return typeof node.name === 'string' ? node.name : undefined;
}

function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'TemplateLiteral') return node.quasis?.[0]?.value.cooked ?? undefined;
  return typeof node?.value === 'string' ? node.value : undefined;
}

function summary(rows: readonly Row[]): string {
  const count = (of: readonly Row[]): string =>
    states.map((state) => String(of.filter((row) => row.state === state).length).padStart(5)).join('');
  const sections = [...new Set(rows.map(({ section }) => section))];
  const width = Math.max(...sections.map(({ length }) => length));
  return [
    `${''.padEnd(width)}${states.map((state) => state.padStart(5)).join('')}`,
    ...sections.map((name) => `${name.padEnd(width)}${count(rows.filter(({ section }) => section === name))}`),
    `${'all'.padEnd(width)}${count(rows)}`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  const root = join(dirname(import.meta.filename), '..');
  const rows = readTable(readFileSync(join(root, tableFile), 'utf8'));
  const faults = faultsOf(rows, readTests(root));
  process.stdout.write(summary(rows));
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

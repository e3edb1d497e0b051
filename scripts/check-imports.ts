/**
 * Checks the imports of src and examples against `import-rules.ts`. Cycles are Biome's to find (`noImportCycles`).
 *
 * Usage: node scripts/check-imports.ts [root]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { judge } from './import-rules.ts';

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly why: string;
}

interface Specifier {
  readonly text: string;
  /** Offset in the source. */
  readonly at: number;
}

const folders = ['src', 'examples'];

/** Every import in `root` that is against the rules, in order of files and lines. */
export function checkImports(root: string): Violation[] {
  const doors = packageDoors(root);
  const exists = (path: string): boolean => existsSync(join(root, path));
  return folders
    .flatMap((folder) => sources(root, folder))
    .flatMap((file) => {
      const source = readFileSync(join(root, file), 'utf8');
      return specifiersOf(file, source).flatMap(({ text, at }): Violation[] => {
        const to = doors.get(text) ?? pathOf(file, text);
        if (to === undefined) return [];
        const why = judge({ from: file, to, byPackageName: doors.has(text) }, exists);
        return why === undefined ? [] : [{ file, line: lineOf(source, at), specifier: text, why }];
      });
    });
}

/** Files that the package's own names stand for: `weir`, `weir/testing`. */
function packageDoors(root: string): ReadonlyMap<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return new Map(
    Object.entries<string>(exports).map(([entry, file]) => [posix.join(name, entry), posix.normalize(file)]),
  );
}

function sources(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** What a file imports: statements, re-exports, `import()` and `import('...')` in types. */
function specifiersOf(file: string, source: string): Specifier[] {
  const { module, program, errors } = parseSync(file, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);

  const found: Specifier[] = module.staticImports.map(({ moduleRequest }) => ({
    text: moduleRequest.value,
    at: moduleRequest.start,
  }));
  for (const { entries } of module.staticExports) {
    const request = entries[0]?.moduleRequest;
    if (request) found.push({ text: request.value, at: request.start });
  }
  const literal = (node: { readonly type: string; readonly start: number; readonly value?: unknown }): void => {
    if (node.type === 'Literal' && typeof node.value === 'string') found.push({ text: node.value, at: node.start });
  };
  new Visitor({
    ImportExpression: (node) => literal(node.source),
    TSImportType: (node) => literal(node.source),
  }).visit(program);
  return found.sort((a, b) => a.at - b.at);
}

/** Path of the imported file from the root, or undefined for a package. */
function pathOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

function lineOf(source: string, at: number): number {
  return source.slice(0, at).split('\n').length;
}

if (import.meta.main) {
  const root = resolve(process.argv[2] ?? join(dirname(import.meta.filename), '..'));
  const violations = checkImports(root);
  for (const { file, line, specifier, why } of violations) {
    process.stderr.write(`${file}:${line} imports ${specifier}: ${why}\n`);
  }
  process.stdout.write(
    `Imports: ${violations.length === 0 ? 'all keep the rules' : `${violations.length} break a rule`}.\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

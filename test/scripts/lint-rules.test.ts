import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot, projectWith } from './project-fixture.ts';

const configuration = ['biome.json', '.gitignore', 'scripts/biome'];

/** Categories of what Biome finds in a project of these files, under the project's own configuration. */
function findings(files: Readonly<Record<string, string>>): string[] {
  const root = projectWith(files, configuration);
  const { stdout } = spawnSync(join(projectRoot, 'node_modules/.bin/biome'), ['lint', '--reporter=json', '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  const report: { diagnostics: { category: string }[] } = JSON.parse(stdout);
  return [...new Set(report.diagnostics.map(({ category }) => category.replace('lint/', '')))].sort();
}

describe('lint rules: time, timers, randomness and console belong to ports', () => {
  it.each([
    ['Date.now()', 'export const at = Date.now();', 'plugin'],
    ['Date.now as a value', 'export const now = Date.now;', 'plugin'],
    ['new Date()', 'export const at = new Date();', 'plugin'],
    ['Date()', 'export const at = Date();', 'plugin'],
    ['Math.random()', 'export const at = Math.random();', 'plugin'],
    ['process.hrtime', 'export const at = process.hrtime.bigint();', 'plugin'],
    ['setTimeout', 'export const t = setTimeout(() => undefined, 1);', 'style/noRestrictedGlobals'],
    ['setInterval', 'export const t = setInterval(() => undefined, 1);', 'style/noRestrictedGlobals'],
    ['setImmediate', 'export const t = setImmediate(() => undefined);', 'style/noRestrictedGlobals'],
    ['performance.now', 'export const at = performance.now();', 'style/noRestrictedGlobals'],
    ['console', "console.log('x');", 'suspicious/noConsole'],
    ['node:timers', "export { setTimeout as x } from 'node:timers';", 'style/noRestrictedImports'],
    ['node:timers/promises', "export { setTimeout as x } from 'node:timers/promises';", 'style/noRestrictedImports'],
    [
      'randomUUID',
      "import { randomUUID } from 'node:crypto';\nexport const id = randomUUID();",
      'style/noRestrictedImports',
    ],
  ])('%s is refused in core code and accepted in adapters', (_name, source, rule) => {
    const core = ['src/actors/flow', 'src/supervisors', 'src/persistence', 'src/worker'];
    for (const folder of core) expect(findings({ [`${folder}/a.ts`]: `${source}\n` })).toContain(rule);
    const adapters = findings({ 'src/ports/a.ts': `${source}\n`, 'src/transport/log/a.ts': `${source}\n` });
    expect(adapters).toEqual(rule === 'suspicious/noConsole' ? [rule] : []);
  });

  it('dates of a given time, and time from a port, are accepted in core code', () => {
    const source = 'export const at = (clock: { now(): number }): Date => new Date(clock.now());\n';
    expect(findings({ 'src/actors/flow/a.ts': source })).toEqual([]);
  });

  it('the command line may use the console', () => {
    expect(findings({ 'src/cli/a.ts': "console.log('x');\n" })).toEqual([]);
  });
});

describe('lint rules: how the code reads', () => {
  it.each([
    ['any', 'export const x: any = 1;', 'suspicious/noExplicitAny'],
    ['a non-null assertion', 'export const x = (y: string | null): string => y!;', 'style/noNonNullAssertion'],
    ['an enum', 'export enum X { A }', 'style/noEnum'],
    ['a namespace', 'export namespace X { export const a = 1; }', 'style/noNamespace'],
    ['a parameter property', 'export class X { constructor(readonly a: number) {} }', 'style/noParameterProperties'],
    ['a default export', 'export default 1;', 'style/noDefaultExport'],
    ['a thrown text', "export const x = (): never => { throw 'x'; };", 'style/useThrowOnlyError'],
    ['an unused variable', 'const x = 1;', 'correctness/noUnusedVariables'],
    ['a builtin without node:', "export { readFileSync } from 'fs';", 'style/useNodejsImportProtocol'],
    ['@ts-ignore', '// @ts-ignore\nexport const x: string = 1;', 'suspicious/noTsIgnore'],
    [
      'a type imported as a value',
      "import { X } from './b.ts';\nexport const x = (y: X): X => y;",
      'style/useImportType',
    ],
    [
      'a promise that nobody owns',
      'async function act(): Promise<void> {\n  await 1;\n}\nexport function x(): void {\n  act();\n}',
      'nursery/noFloatingPromises',
    ],
  ])('%s is refused', (_name, source, rule) => {
    const root = { 'src/ports/a.ts': `${source}\n`, 'src/ports/b.ts': 'export type X = string;\n' };
    expect(findings(root)).toContain(rule);
  });

  it('a file name that is not in kebab-case is refused', () => {
    expect(findings({ 'src/ports/myFile.ts': 'export {};\n' })).toContain('style/useFilenamingConvention');
  });

  it('a configuration file may have a default export', () => {
    expect(findings({ 'vitest.config.ts': 'export default {};\n' })).toEqual([]);
  });

  it.each([
    [
      'values',
      "import { b } from './b.ts';\nexport const a = () => b;\n",
      "import { a } from './a.ts';\nexport const b = () => a;\n",
    ],
    [
      'types',
      "import type { B } from './b.ts';\nexport type A = B[];\n",
      "import type { A } from './a.ts';\nexport type B = A[] | 1;\n",
    ],
  ])('a cycle of imported %s is refused', (_name, a, b) => {
    expect(findings({ 'src/ports/a.ts': a, 'src/ports/b.ts': b })).toContain('suspicious/noImportCycles');
  });
});

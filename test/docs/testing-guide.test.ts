/** The programs of docs/guide/testing.md, checked by the compiler and run as they stand, with the flows of the other guide. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
/** Programs whose output the guide shows. */
const shown: Array<{ readonly file: string; readonly output: string }> = [];
let directory = '';

beforeAll(async () => {
  // Inside the project, so that 'weir' is found as a program that depends on it finds it.
  await mkdir(join(root, '.weir'), { recursive: true });
  directory = await mkdtemp(join(root, '.weir', 'testing-guide-'));
  for (const guide of ['flows', 'testing']) {
    const text = await readFile(join(root, 'docs/guide', `${guide}.md`), 'utf8');
    for (const [, file = '', code = '', output] of text.matchAll(
      /^```ts\n\/\/ (\S+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms,
    )) {
      if (guide === 'testing' || file === 'shop.ts') await writeFile(join(directory, file), code);
      if (guide === 'testing' && output !== undefined) shown.push({ file, output });
    }
  }
  const settings = { extends: '../../tsconfig.json', include: ['*.ts'] };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(settings));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the guide to testing', () => {
  it('shows programs that the compiler takes', async () => {
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await run(compiler, ['--noEmit', '-p', directory]).catch((error: unknown) => error as never);
    // What the rest of the project is like is said elsewhere.
    expect(String(stdout).split('\n')).not.toContainEqual(expect.stringMatching(/^(?!src\/)\S/));
  });

  it.each([
    ['buy.test.ts', 7],
    ['shelf.test.ts', 2],
    ['market.test.ts', 1],
    ['counter.test.ts', 2],
    ['faults.test.ts', 1],
  ])('TK2 shows tests that pass: %s', async (file, count) => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', file], {
      cwd: directory,
      // A runner of tests that finds itself in another one would report to it.
      env: { PATH: process.env.PATH },
    }).catch((error: unknown) => error as never);
    expect(stdout).toMatch(new RegExp(`^# pass ${count}$`, 'm'));
    expect(stdout).toMatch(/^# fail 0$/m);
  });

  it('TK2 shows what a test says that fails', async () => {
    expect(shown.map(({ file }) => file)).toEqual(expect.arrayContaining(['wrong.ts', 'restless.ts']));
    for (const { file, output } of shown) {
      const { stdout } = await run(process.execPath, [join(directory, file)]);
      expect(stdout, file).toBe(output);
    }
  });
});

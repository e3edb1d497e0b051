/** The programs of docs/guide/actors.md, checked by the compiler and run as they stand. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const guide = readFileSync(join(root, 'docs/guide/actors.md'), 'utf8');

/** Each program with its name and, if it says so, what it prints. */
const programs = [...guide.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms)].map(
  ([, file = '', code = '', printed]) => ({ file, code, printed }),
);
let directory = '';

beforeAll(async () => {
  // Inside the project, so that 'weir' is found as a program that depends on it finds it.
  await mkdir(join(root, '.weir'), { recursive: true });
  directory = await mkdtemp(join(root, '.weir', 'guide-'));
  for (const { file, code } of programs) await writeFile(join(directory, file), code);
  const settings = { extends: '../../tsconfig.json', include: ['*.ts'] };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(settings));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the guide to actors', () => {
  it('shows programs that the compiler takes', async () => {
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await run(compiler, ['--noEmit', '-p', directory]).catch((error: unknown) => error as never);
    // What the rest of the project is like is said elsewhere.
    expect(String(stdout).split('\n')).not.toContainEqual(expect.stringMatching(/^(?!src\/)\S/));
  });

  for (const { file, printed } of programs.filter((program) => program.printed !== undefined)) {
    it(`shows what ${file} prints`, async () => {
      const { stdout } = await run(process.execPath, [join(directory, file)]);
      expect(stdout).toBe(printed);
    });
  }

  it('shows a test that passes', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'account.test.ts'], {
      cwd: directory,
      // A runner of tests that finds itself in another one would report to it.
      env: { PATH: process.env.PATH },
    }).catch((error: unknown) => error as never);
    expect(stdout).toMatch(/^# pass 1$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});

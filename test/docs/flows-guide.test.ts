/** The programs of docs/guide/flows.md, checked by the compiler and run as they stand. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let directory = '';

beforeAll(async () => {
  // Inside the project, so that 'weir' is found as a program that depends on it finds it.
  await mkdir(join(root, '.weir'), { recursive: true });
  directory = await mkdtemp(join(root, '.weir', 'guide-'));
  const guide = await readFile(join(root, 'docs/guide/flows.md'), 'utf8');
  for (const [, file = '', code = ''] of guide.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms)) {
    await writeFile(join(directory, file), code.replaceAll("'./data'", JSON.stringify(join(directory, 'data'))));
  }
  const settings = { extends: '../../tsconfig.json', include: ['*.ts'] };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(settings));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the guide to flows', () => {
  it('shows programs that the compiler takes', async () => {
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await run(compiler, ['--noEmit', '-p', directory]).catch((error: unknown) => error as never);
    // What the rest of the project is like is said elsewhere.
    expect(String(stdout).split('\n')).not.toContainEqual(expect.stringMatching(/^(?!src\/)\S/));
  });

  it('shows a first flow that runs, and that runs once', async () => {
    for (let time = 0; time < 2; time++) {
      const { stdout } = await run(process.execPath, [join(directory, 'hello.ts')]);
      expect(stdout).toMatch(/^\{ number: 'ada-500-\w' \}\n$/);
    }
  });

  it('shows how flows are followed', async () => {
    const { stdout } = await run(process.execPath, [join(directory, 'watch.ts')]);
    expect(stdout).toMatch(/^(?:RUNNING (?:start|pour)\n)*COMPLETED pour\nbrew 2 cups\n$/);
  });

  it('shows tests that pass', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'shop.test.ts'], {
      cwd: directory,
      // A runner of tests that finds itself in another one would report to it.
      env: { PATH: process.env.PATH },
    }).catch((error: unknown) => error as never);
    expect(stdout).toMatch(/^# pass 6$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});

/** The programs of a guide, in a directory of their own as a reader would have them: compiled and run as they stand. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

export interface Program {
  readonly file: string;
  readonly code: string;
  /** What it prints, where the guide shows it. */
  readonly printed: string | undefined;
}

/** The programs of docs/guide/<guide>.md that have a name. */
export function programsOf(guide: string): Program[] {
  const text = readFileSync(join(root, 'docs/guide', `${guide}.md`), 'utf8');
  const blocks = text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms);
  return [...blocks].map(([, file = '', code = '', printed]) => ({ file, code, printed }));
}

/** Keeps the programs in a directory while the tests of this file run. */
export function written(programs: readonly Program[]) {
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

  return {
    /** What a program prints; it has to end well. */
    async output(file: string): Promise<string> {
      return (await run(process.execPath, [file], { cwd: directory })).stdout;
    },

    /** A test of the guide, by the runner of Node, has so many cases, and all of them pass. */
    async expectToPass(file: string, cases: number): Promise<void> {
      const printed = await printedBy(process.execPath, ['--test', '--test-reporter=tap', file], {
        cwd: directory,
        // A runner of tests that finds itself in another one would report to it.
        env: { PATH: process.env.PATH },
      });
      expect(printed).toMatch(new RegExp(`^# pass ${cases}$`, 'm'));
      expect(printed).toMatch(/^# fail 0$/m);
    },

    itCompiles(): void {
      it('shows programs that the compiler takes', async () => {
        const printed = await printedBy(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', directory]);
        // What the rest of the project is like is said elsewhere.
        expect(printed.split('\n')).not.toContainEqual(expect.stringMatching(/^(?!src\/)\S/));
      });
    },

    /** What the compiler says of the programs: of each error its place, its number, and where it comes from in the end. */
    async errors(): Promise<readonly string[]> {
      const printed = await printedBy(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', directory], {
        cwd: directory,
      });
      // Lines that are indented go on with the error before them, to its reason.
      return printed
        .trimEnd()
        .split(/\n(?=\S)/)
        .filter((error) => !error.startsWith('..'))
        .map((error) => {
          const [place = ''] = /^\S+ error TS\d+: /.exec(error) ?? [];
          return `${place}${error.slice(place.length).split('\n').at(-1)?.trim()}`;
        });
    },

    itPrints(): void {
      for (const { file, printed } of programs) {
        if (printed === undefined) continue;
        it(`shows what ${file} prints`, async () => {
          expect(await this.output(file)).toBe(printed);
        });
      }
    },
  };
}

/** What a command prints, however it ends. */
function printedBy(command: string, args: readonly string[], options: object = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout) => {
      // A code that is no number says that it could not be run.
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve(String(stdout));
    });
  });
}

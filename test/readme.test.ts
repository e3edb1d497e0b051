import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

describe('the README', () => {
  it('shows a flow that runs as it stands', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
    // Inside the project, so that 'weir' is found as a program that depends on it finds it.
    await mkdir(join(root, '.weir'), { recursive: true });
    const directory = await mkdtemp(join(root, '.weir', 'readme-'));
    try {
      const program = `const checkCredit = (price: bigint, id: string): string => \`\${id} \${price}\`;\n${code}`;
      await writeFile(
        join(directory, 'program.ts'),
        program.replace("'./data'", JSON.stringify(join(directory, 'data'))),
      );
      const { stdout } = await promisify(execFile)(process.execPath, [join(directory, 'program.ts')]);
      expect(stdout).toBe("{ delivery: 'on Friday' }\n");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot, projectWith } from './project-fixture.ts';

interface Issue {
  readonly file: string;
  readonly files?: readonly unknown[];
  readonly exports?: readonly { readonly name: string }[];
  readonly dependencies?: readonly { readonly name: string }[];
}

const manifest = {
  name: 'weir',
  type: 'module',
  exports: { '.': './src/index.ts', './testing': './src/testing/index.ts' },
  dependencies: { zod: '*', yaml: '*' },
};

describe('unused code', () => {
  it('files, exports and dependencies that nothing uses are found', () => {
    const root = projectWith(
      {
        'package.json': JSON.stringify(manifest),
        'src/index.ts':
          "import { used } from './worker/a.ts';\nimport 'zod';\nexport const start = (): number => used;\n",
        'src/testing/index.ts': 'export const kit = 1;\n',
        'src/worker/a.ts': 'export const used = 1;\nexport const unused = 2;\n',
        'src/worker/lost.ts': 'export const x = 1;\n',
        'bench/main.ts': "import { start } from '../src/index.ts';\nstart();\n",
        'examples/payments/main.ts': "import { start } from 'weir';\nstart();\n",
        'scripts/tool.ts': 'process.exit(0);\n',
      },
      ['knip.json', 'tsconfig.json'],
    );
    symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
    const { stdout } = spawnSync(
      process.execPath,
      [join(projectRoot, 'node_modules/knip/bin/knip.js'), '--reporter', 'json', '--directory', root],
      { cwd: root, encoding: 'utf8' },
    );
    const { issues }: { issues: readonly Issue[] } = JSON.parse(stdout);
    const found = issues.flatMap(({ file, files = [], exports = [], dependencies = [] }) => [
      ...(files.length > 0 ? [file] : []),
      ...[...exports, ...dependencies].map(({ name }) => `${file} ${name}`),
    ]);
    expect(found.sort()).toEqual(['package.json yaml', 'src/worker/a.ts unused', 'src/worker/lost.ts']);
  });
});

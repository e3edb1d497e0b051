import { describe, expect, it } from 'vitest';
import { checkImports } from '../../scripts/check-imports.ts';
import { projectWith } from './project-fixture.ts';

const packageJson = JSON.stringify({
  name: 'weir',
  exports: { '.': './src/index.ts', './testing': './src/testing/index.ts' },
});

/** Every unit with its door, so that only the import under test can be wrong. */
const doors = Object.fromEntries(
  [
    'errors',
    'ports',
    'persistence',
    'transport/log',
    'transport/log/memory',
    'transport/peer',
    'actors/kernel',
    'supervisors',
    'actors/shard',
    'actors/flow',
    'actors/session-manager',
    'worker',
    'cli',
    'console',
    'testing',
  ].map((unit) => [`src/${unit}/index.ts`, 'export {};']),
);

function verdicts(file: string, source: string): string[] {
  const root = projectWith({ 'package.json': packageJson, 'src/index.ts': '', ...doors, [file]: source });
  return checkImports(root).map(({ line, why }) => `${line}: ${why}`);
}

const importOf = (specifier: string): string => `import { x } from '${specifier}';\n`;

describe('import rules: one way', () => {
  it.each([
    ['src/ports/a.ts', '../errors/index.ts'],
    ['src/persistence/a.ts', '../ports/index.ts'],
    ['src/transport/log/a.ts', '../../ports/index.ts'],
    ['src/transport/log/a.ts', '../peer/index.ts'],
    ['src/actors/kernel/a.ts', '../../transport/log/index.ts'],
    ['src/supervisors/a.ts', '../actors/kernel/index.ts'],
    ['src/actors/shard/a.ts', '../../supervisors/index.ts'],
    ['src/actors/flow/a.ts', '../shard/index.ts'],
    ['src/actors/flow/a.ts', '../session-manager/index.ts'],
    ['src/worker/a.ts', '../actors/flow/index.ts'],
    ['src/worker/a.ts', '../actors/flow/protocol.ts'],
    ['src/actors/rpc/a.ts', '../flow/protocol.ts'],
    ['src/index.ts', './worker/index.ts'],
    ['src/cli/a.ts', '../index.ts'],
    ['src/cli/a.ts', '../worker/index.ts'],
    ['src/testing/a.ts', '../actors/flow/index.ts'],
    ['src/actors/flow/stages/a.ts', '../definition.ts'],
    ['src/actors/flow/a.ts', './stages/b.ts'],
    ['src/errors/a.ts', 'node:fs'],
    ['src/errors/a.ts', 'zod'],
  ])('%s may import %s', (file, specifier) => {
    expect(verdicts(file, importOf(specifier))).toEqual([]);
  });

  it.each([
    ['src/errors/a.ts', '../ports/index.ts', 'src/errors is below src/ports and does not import it'],
    ['src/ports/a.ts', '../persistence/index.ts', 'src/ports is below src/persistence and does not import it'],
    [
      'src/persistence/a.ts',
      '../transport/log/index.ts',
      'src/persistence and src/transport are of one layer and do not import each other',
    ],
    [
      'src/actors/kernel/a.ts',
      '../../supervisors/index.ts',
      'src/actors/kernel is below src/supervisors and does not import it',
    ],
    [
      'src/supervisors/a.ts',
      '../actors/shard/index.ts',
      'src/supervisors is below src/actors/shard and does not import it',
    ],
    ['src/actors/shard/a.ts', '../flow/index.ts', 'src/actors/shard is below src/actors/flow and does not import it'],
    [
      'src/actors/session-manager/a.ts',
      '../flow/index.ts',
      'src/actors/session-manager and src/actors/flow are of one layer and do not import each other',
    ],
    [
      'src/actors/rpc/a.ts',
      '../flow/ids.ts',
      'src/actors/rpc and src/actors/flow are of one layer and do not import each other',
    ],
    [
      'src/actors/shard/a.ts',
      '../flow/protocol.ts',
      'src/actors/shard is below src/actors/flow and does not import it',
    ],
    ['src/actors/flow/a.ts', '../../worker/index.ts', 'src/actors/flow is below src/worker and does not import it'],
    ['src/worker/a.ts', '../index.ts', 'src/worker is below src/index.ts and does not import it'],
    ['src/worker/a.ts', '../cli/index.ts', 'src/worker is below src/cli and does not import it'],
    ['src/console/a.ts', '../cli/index.ts', 'src/console and src/cli are of one layer and do not import each other'],
    ['src/worker/a.ts', '../testing/index.ts', 'the test kit is for tests only'],
    ['src/cli/a.ts', '../testing/index.ts', 'the test kit is for tests only'],
    ['src/worker/a.ts', '../../test/builders.ts', 'src imports nothing of the project beside itself'],
    ['src/cli/a.ts', 'weir', 'src names its own files by path'],
    ['src/misc/a.ts', '../errors/index.ts', 'src/misc/a.ts is in no layer'],
    ['src/actors/loose.ts', '../errors/index.ts', 'src/actors/loose.ts is in no layer'],
  ])('%s may not import %s', (file, specifier, why) => {
    expect(verdicts(file, importOf(specifier))).toEqual([`1: ${why}`]);
  });
});

describe('import rules: doors', () => {
  it.each([
    ['src/ports/a.ts', '../errors/suggest.ts', 'it goes past the door of src/errors: import src/errors/index.ts'],
    [
      'src/worker/a.ts',
      '../transport/log/memory/index.ts',
      'it goes past the door of src/transport/log: import src/transport/log/index.ts',
    ],
    [
      'src/transport/log/embedded/a.ts',
      '../memory/cluster.ts',
      'it goes past the door of src/transport/log/memory: import src/transport/log/memory/index.ts',
    ],
    [
      'src/testing/a.ts',
      '../actors/flow/engine.ts',
      'it goes past the door of src/actors/flow: import src/actors/flow/index.ts',
    ],
    [
      'src/actors/flow/a.ts',
      '../shard/protocol.ts',
      'it goes past the door of src/actors/shard: import src/actors/shard/index.ts',
    ],
    ['src/worker/a.ts', '../actors/crypto/keys.ts', 'src/actors/crypto has no door: it needs an index.ts'],
  ])('%s may not import %s', (file, specifier, why) => {
    expect(verdicts(file, importOf(specifier))).toEqual([`1: ${why}`]);
  });
});

describe('import rules: examples', () => {
  it.each(['weir', 'weir/testing', './money.ts', '../shared/a.ts', 'fast-xml-parser', 'node:fs'])(
    'an example may import %s',
    (specifier) => {
      expect(verdicts('examples/payments/a.ts', importOf(specifier))).toEqual([]);
    },
  );

  it.each(['../../src/index.ts', '../../src/ports/index.ts', '../../bench/main.ts'])(
    'an example may not import %s',
    (specifier) => {
      expect(verdicts('examples/payments/a.ts', importOf(specifier))).toEqual([
        '1: an example imports only `weir` and `weir/testing`',
      ]);
    },
  );
});

describe('import rules: every form of import', () => {
  it.each([
    ['a type import', "import type { X } from '../worker/index.ts';"],
    ['an import for its effects', "import '../worker/index.ts';"],
    ['a re-export', "export { x } from '../worker/index.ts';"],
    ['a re-export of all', "export * from '../worker/index.ts';"],
    ['a dynamic import', "export const later = () => import('../worker/index.ts');"],
    ['an import in a type', "export type X = import('../worker/index.ts').X;"],
  ])('%s is seen', (_name, source) => {
    expect(verdicts('src/ports/a.ts', `// first\n${source}\n`)).toEqual([
      '2: src/ports is below src/worker and does not import it',
    ]);
  });

  it('what only looks like an import is not one', () => {
    expect(verdicts('src/ports/a.ts', 'export const text = "import { x } from \'../worker/index.ts\'";\n')).toEqual([]);
  });
});

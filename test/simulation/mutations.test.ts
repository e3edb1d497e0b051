import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutations } from '../../simulation/mutations/list.ts';
import { filesOf, mutate } from '../../simulation/mutations/mutation.ts';
import { scenarios } from '../../simulation/scenarios/index.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the mutations of the mutation check', () => {
  it.each(mutations.map((mutation) => [mutation.id, mutation] as const))(
    'TK5 %s still fits the source',
    (_id, mutation) => {
      for (const file of filesOf(mutation)) {
        const source = readFileSync(join(root, file), 'utf8');
        expect(mutate(mutation, file, source)).not.toBe(source);
      }
    },
  );

  it('TK5 each names scenarios that there are', () => {
    const names = scenarios.map(({ name }) => name);
    for (const mutation of mutations) {
      expect(mutation.scenarios.filter((name) => !names.includes(name))).toEqual([]);
    }
  });

  it('TK5 one that does not fit is said to have rotted', () => {
    const [mutation] = mutations;
    if (mutation === undefined) throw new Error('there are no mutations');
    expect(() => mutate(mutation, mutation.file, 'nothing of it')).toThrow(/has rotted/);
  });
});

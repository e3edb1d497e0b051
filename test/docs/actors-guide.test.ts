/** The programs of docs/guide/actors.md, checked by the compiler and run as they stand. */
import { describe, it } from 'vitest';
import { programsOf, written } from './guide.ts';

const guide = written(programsOf('actors'));

describe('the guide to actors', () => {
  guide.itCompiles();
  guide.itPrints();
  it('shows a test that passes', () => guide.expectToPass('account.test.ts', 1));
});

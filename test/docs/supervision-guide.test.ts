/** The programs of docs/guide/supervision.md, checked by the compiler and run as they stand. */
import { describe, it } from 'vitest';
import { programsOf, written } from './guide.ts';

const guide = written(programsOf('supervision'));

describe('the guide to supervision', () => {
  guide.itCompiles();
  guide.itPrints();
  it('shows a test that passes', () => guide.expectToPass('supervision.test.ts', 1));
});

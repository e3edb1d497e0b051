/** The programs of docs/guide/flows.md, checked by the compiler and run as they stand. */
import { describe, expect, it } from 'vitest';
import { programsOf, written } from './guide.ts';

const guide = written(programsOf('flows'));

describe('the guide to flows', () => {
  guide.itCompiles();
  guide.itPrints();

  it('shows a first flow that runs, and that runs once', async () => {
    for (let time = 0; time < 2; time++)
      expect(await guide.output('hello.ts')).toMatch(/^\{ number: 'ada-500-\w' \}\n$/);
  });

  it('shows how flows are followed', async () => {
    expect(await guide.output('watch.ts')).toMatch(/^(?:RUNNING (?:start|pour)\n)*COMPLETED pour\nbrew 2 cups\n$/);
  });

  it('shows tests that pass', () => guide.expectToPass('shop.test.ts', 6));
});

/** The programs of docs/guide/testing.md, checked by the compiler and run as they stand, with the flows of the other guide. */
import { describe, expect, it } from 'vitest';
import { programsOf, written } from './guide.ts';

const programs = programsOf('testing');
const guide = written([...programsOf('flows').filter(({ file }) => file === 'shop.ts'), ...programs]);

describe('the guide to testing', () => {
  guide.itCompiles();

  it.each([
    ['buy.test.ts', 7],
    ['shelf.test.ts', 2],
    ['market.test.ts', 1],
    ['counter.test.ts', 2],
    ['faults.test.ts', 1],
  ])('TK2 shows tests that pass: %s', (file, cases) => guide.expectToPass(file, cases));

  it('TK2 shows what a test says that fails', async () => {
    const shown = programs.filter(({ printed }) => printed !== undefined);
    expect(shown.map(({ file }) => file)).toEqual(expect.arrayContaining(['wrong.ts', 'restless.ts']));
    for (const { file, printed } of shown) expect(await guide.output(file), file).toBe(printed);
  });
});

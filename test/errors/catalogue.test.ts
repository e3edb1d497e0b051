import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/errors/index.ts';

const folder = resolve('src/errors/catalogue');

/** Every code of every area's file, as often as it stands there. */
async function codesOfAreas(): Promise<string[]> {
  const files = readdirSync(folder).filter((file) => file !== 'index.ts');
  const modules: object[] = await Promise.all(files.map((file) => import(join(folder, file))));
  return modules.flatMap((areas) => Object.values(areas)).flatMap(Object.keys);
}

describe('the catalogue of errors', () => {
  it('UX2 has each code in one area, and joins all areas', async () => {
    expect((await codesOfAreas()).sort()).toEqual(Object.keys(catalogue).sort());
  });
});

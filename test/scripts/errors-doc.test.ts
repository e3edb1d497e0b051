import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsDocument, errorsFile } from '../../scripts/errors-doc.ts';
import { catalogue } from '../../src/errors/index.ts';

describe('the page of errors', () => {
  it('is up to date: run node scripts/errors-doc.ts', () => {
    expect(readFileSync(errorsFile, 'utf8')).toBe(errorsDocument());
  });

  it('UX2 has a message and a remedy for every code', () => {
    for (const [code, { message, remedy }] of Object.entries(catalogue)) {
      expect(message, code).not.toBe('');
      expect(remedy, code).not.toBe('');
      expect(errorsDocument()).toContain(`## ${code}\n`);
    }
  });
});

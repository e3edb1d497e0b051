import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberId, sameIdentity } from '../../src/ports/index.ts';

describe('identities', () => {
  it('a member id is short, safe in a URL, and always the same', () => {
    expect(memberId({ name: 'O=Bank A, L=London, C=GB', group: 'default' })).toMatch(/^[0-9a-f]{16}$/);
    // Ids are in keys of records: a change here needs a migration.
    expect(memberId({ name: 'ACMEGB2L', group: 'default' })).toBe('5ecddf2bcc06f9bf');
  });

  it('gives the same id however many others were asked for meanwhile', () => {
    const ids = (): string[] =>
      Array.from({ length: 700 }, (_, index) => memberId({ name: `M${index % 300}`, group: `g${index}` }));
    const first = ids();
    expect(new Set(first).size).toBe(700);
    expect(ids()).toEqual(first);
    const names = Array.from({ length: 700 }, (_, index) => memberId({ name: `M${index}`, group: 'g' }));
    expect(new Set(names).size).toBe(700);
    expect(memberId({ name: 'ACMEGB2L', group: 'default' })).toBe('5ecddf2bcc06f9bf');
  });

  it('one name in two groups is two members', () => {
    const name = 'ACMEGB2L';
    expect(memberId({ name, group: 'a' })).not.toBe(memberId({ name, group: 'b' }));
    expect(sameIdentity({ name, group: 'a' }, { name, group: 'b' })).toBe(false);
  });

  it('name and group never run into each other', () => {
    const identity = fc.record({ name: fc.string(), group: fc.string() });
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        expect(memberId(a) === memberId(b)).toBe(sameIdentity(a, b));
      }),
    );
    expect(memberId({ name: 'a', group: 'b","c' })).not.toBe(memberId({ name: 'a","b', group: 'c' }));
  });
});

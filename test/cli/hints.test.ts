import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { commandName, quoted } from '../../src/cli/command-line.ts';
import { sampleInput } from '../../src/cli/sample-input.ts';

describe('a sample input', () => {
  it.each<[string, z.ZodType, string | undefined]>([
    ['text', z.object({ name: z.string().min(6) }), '{"name":"text.."}'],
    ['numbers in their range', z.object({ n: z.int().min(5), x: z.number().positive() }), '{"n":5,"x":1}'],
    ['what is needed only', z.strictObject({ a: z.boolean(), b: z.string().optional() }), '{"a":true}'],
    ['a coerced bigint and date', z.object({ n: z.coerce.bigint(), d: z.coerce.date() }), '{"n":1,"d":1}'],
    ['one of several', z.union([z.enum(['buy', 'sell']), z.null()]), '"buy"'],
    ['formats', z.object({ mail: z.email(), at: z.iso.date() }), '{"mail":"ada@example.org","at":"2026-01-31"}'],
    ['lists', z.array(z.literal('x')).min(2), '["x","x"]'],
    ['nothing for a bigint that JSON cannot carry', z.object({ n: z.bigint() }), undefined],
    ['nothing for a pattern', z.string().regex(/^[A-Z]{8}$/), undefined],
    [
      'nothing for a schema that fails',
      z.string().transform((): string => {
        throw new TypeError('cannot read this');
      }),
      undefined,
    ],
  ])('has %s', (_what, schema, sample) => {
    expect(sampleInput(schema)).toBe(sample);
  });
});

describe('how the command is called again', () => {
  const npm_execpath = '/usr/lib/npm-cli.js';
  it.each([
    [{}, 'weir'],
    [{ npm_execpath, npm_lifecycle_event: 'weir' }, 'npm run weir --'],
    [{ npm_execpath, npm_lifecycle_event: 'npx' }, 'npx weir'],
    [{ npm_execpath, npm_lifecycle_event: 'dev' }, 'npx weir'],
  ])('%j: %s', (environment, name) => {
    expect(commandName(environment)).toBe(name);
  });

  it('quotes what a shell would take apart', () => {
    expect([quoted('ACME'), quoted('O=A, C=DE'), quoted("it's")]).toEqual(['ACME', "'O=A, C=DE'", "'it'\\''s'"]);
  });
});

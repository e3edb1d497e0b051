import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors/index.ts';
import { type AvroSchema, recordCodec } from '../../src/persistence/index.ts';

interface Account {
  readonly iban: string;
  readonly booked: number;
  readonly open: boolean;
  readonly kind: 'current' | 'saving';
  readonly seal: Uint8Array;
  readonly note: string | null;
  readonly photo: Uint8Array | null;
  readonly entries: readonly { readonly at: number; readonly body: Uint8Array }[];
}

const schema: AvroSchema = {
  type: 'record',
  name: 'Account',
  namespace: 'test',
  fields: [
    { name: 'iban', type: 'string' },
    { name: 'booked', type: 'long' },
    { name: 'open', type: 'boolean' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['current', 'saving'] } },
    { name: 'seal', type: 'bytes' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'photo', type: ['null', 'bytes'] },
    {
      name: 'entries',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Entry',
          fields: [
            { name: 'at', type: 'long' },
            { name: 'body', type: { type: 'bytes' } },
          ],
        },
      },
    },
  ],
};

const accounts = recordCodec<Account>(schema, 'account');

const account: Account = {
  iban: 'GB33BUKB20201555555555',
  booked: Number.MAX_SAFE_INTEGER - 1,
  open: true,
  kind: 'saving',
  seal: Uint8Array.of(1, 2, 3),
  note: null,
  photo: Uint8Array.of(9),
  entries: [{ at: -5, body: new Uint8Array() }],
};

function reason(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) return `${error.context.what}: ${error.context.why}`;
    return `threw ${String(error)}`;
  }
  return 'read';
}

describe('record codec', () => {
  it('a record comes back as it was', () => {
    expect(accounts.decode(accounts.encode(account))).toEqual(account);
  });

  it('any record comes back as it was', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const long = fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 });
    const any: fc.Arbitrary<Account> = fc.record({
      iban: fc.string({ unit: 'grapheme' }),
      booked: long,
      open: fc.boolean(),
      kind: fc.constantFrom('current' as const, 'saving' as const),
      seal: bytes,
      note: fc.option(fc.string()),
      photo: fc.option(bytes),
      entries: fc.array(fc.record({ at: long, body: bytes })),
    });
    fc.assert(
      fc.property(any, (value) => {
        expect(accounts.decode(accounts.encode(value))).toEqual(value);
      }),
    );
  });

  it('the envelope is C3 01, the fingerprint of the schema in little endian, and the body', () => {
    const flags = recordCodec<{ on: boolean }>(
      { type: 'record', name: 'foo', fields: [{ name: 'f1', type: 'boolean' }] },
      'flag',
    );
    // The fingerprint of this schema in the specification's vectors.
    expect(BigInt.asIntN(64, flags.fingerprint)).toBe(7843277075252814651n);
    const bytes = recordCodec<{ f1: boolean }>(
      { type: 'record', name: 'foo', fields: [{ name: 'f1', type: 'boolean' }] },
      'flag',
    ).encode({ f1: true });
    const print = Buffer.alloc(8);
    print.writeBigInt64LE(7843277075252814651n);
    expect(Buffer.from(bytes).toString('hex')).toBe(`c301${print.toString('hex')}01`);
  });

  it('bytes are plain Uint8Arrays, also when a Buffer was given', () => {
    const back = accounts.decode(accounts.encode({ ...account, seal: Buffer.from('abc') }));
    for (const bytes of [back.seal, back.photo, back.entries[0]?.body]) {
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    }
    expect(Buffer.from(back.seal).toString()).toBe('abc');
  });

  it('what was decoded does not change with the bytes that it came from, nor with later records', () => {
    const bytes = accounts.encode(account);
    const back = accounts.decode(bytes);
    bytes.fill(0xff);
    accounts.decode(accounts.encode({ ...account, seal: Uint8Array.of(7, 7, 7) }));
    expect(back).toEqual(account);
  });

  it('encoded bytes are plain, and stay as they are whatever is encoded later', () => {
    const records = Array.from({ length: 300 }, (_, index) => ({
      ...account,
      seal: new Uint8Array(index).fill(index),
    }));
    const encoded = records.map((record) => accounts.encode(record));
    expect(() => accounts.encode({ ...account, booked: 0.5 })).toThrow('cannot be kept');
    for (const bytes of encoded) expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(encoded.map((bytes) => accounts.decode(bytes))).toEqual(records);
  });

  it('a record larger than a slab comes back as it was, and keeps no more memory than it has', () => {
    const large = { ...account, seal: new Uint8Array(100_000).fill(3) };
    const bytes = accounts.encode(large);
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
    const back = accounts.decode(bytes);
    expect(back).toEqual(large);
    expect(back.seal.buffer.byteLength).toBe(back.seal.byteLength);
    expect(accounts.decode(accounts.encode(account))).toEqual(account);
  });

  it('texts that are as long as the one before are told apart, plain or not', () => {
    for (const iban of [
      'abcd',
      'abce',
      'abcd',
      'ab\u00e9',
      'abcd',
      '\u00e9\u00e9',
      // In Latin-1 the bytes of the next one.
      '\u00c3\u00a9',
      '\u00e9',
      '\u20acx',
      'abcd',
      '',
      'x'.repeat(64),
      'y'.repeat(64),
    ]) {
      expect(accounts.decode(accounts.encode({ ...account, iban })).iban).toBe(iban);
    }
  });

  it.each<[string, object, string]>([
    ['a field that is missing', { iban: undefined }, '$.iban is undefined, not of type string'],
    ['a long beyond 2^53', { booked: 2 ** 60 }, '$.booked is a number, not of type long'],
    ['a fraction', { booked: 1.5 }, '$.booked is a number, not of type long'],
    ['an unknown symbol', { kind: 'loan' }, '$.kind is a string, not of type enum'],
    ['bytes that are none', { seal: 'abc' }, '$.seal is a string, not of type bytes'],
    [
      'a wrong item',
      { entries: [account.entries[0], { at: 'x', body: new Uint8Array() }] },
      '$.entries[1].at is a string',
    ],
  ])('%s is refused with its path', (_name, wrong, sentence) => {
    expect(() => accounts.encode({ ...account, ...wrong })).toThrow(`a record of account cannot be kept: ${sentence}`);
  });
});

describe('record codec: records of other versions', () => {
  const before: AvroSchema = {
    type: 'record',
    name: 'Account',
    namespace: 'test',
    fields: [
      { name: 'iban', type: 'string' },
      { name: 'dropped', type: 'string' },
      { name: 'booked', type: 'int' },
      { name: 'seal', type: 'bytes' },
    ],
  };
  const after: AvroSchema = {
    type: 'record',
    name: 'Account',
    namespace: 'test',
    fields: [
      { name: 'iban', type: 'string' },
      { name: 'booked', type: 'long' },
      { name: 'seal', type: 'bytes' },
      { name: 'limit', type: 'long', default: 100 },
    ],
  };
  const old = recordCodec<{ iban: string; dropped: string; booked: number; seal: Uint8Array }>(before, 'account');
  const current = recordCodec<{ iban: string; booked: number; seal: Uint8Array; limit: number }>(after, 'account', [
    before,
  ]);
  const written = old.encode({ iban: 'x', dropped: 'y', booked: 7, seal: Uint8Array.of(1) });

  it('a record of an earlier version is read with the defaults of the new fields', () => {
    for (let again = 0; again < 2; again += 1) {
      const back = current.decode(written);
      expect(back).toEqual({ iban: 'x', booked: 7, seal: Uint8Array.of(1), limit: 100 });
      expect(Object.getPrototypeOf(back.seal)).toBe(Uint8Array.prototype);
    }
  });

  it('a record of a version that is not known is refused, and nothing else', () => {
    const newer = current.encode({ iban: 'x', booked: 7, seal: Uint8Array.of(1), limit: 5 });
    expect(reason(() => old.decode(newer))).toMatch(/^account: its schema [0-9a-f]{16} is unknown$/);
  });

  it('an earlier schema that does not resolve is refused when a record of it turns up', () => {
    const other: AvroSchema = {
      type: 'record',
      name: 'Account',
      namespace: 'test',
      fields: [{ name: 'iban', type: 'int' }],
    };
    const codec = recordCodec<{ iban: string }>(after, 'account', [other]);
    const record = recordCodec<{ iban: number }>(other, 'account').encode({ iban: 1 });
    expect(reason(() => codec.decode(record))).toMatch(/^account: /);
  });
});

describe('record codec: bytes of a stranger', () => {
  const body = (hex: string): Uint8Array => {
    const lists = recordCodec<{ items: string[] }>(listSchema, 'list');
    return Buffer.concat([lists.encode({ items: [] }).subarray(0, 10), Buffer.from(hex, 'hex')]);
  };
  const listSchema: AvroSchema = {
    type: 'record',
    name: 'List',
    fields: [{ name: 'items', type: { type: 'array', items: 'string' } }],
  };
  const lists = recordCodec<{ items: string[] }>(listSchema, 'list');

  it.each([
    ['no bytes', () => new Uint8Array(), 'it ends too early'],
    ['text', () => Buffer.from('hello, world'), 'it is no Avro record'],
    ['half a header', () => Buffer.from('c301', 'hex'), 'it ends too early'],
    ['a header without body', () => body(''), 'it ends too early'],
    ['an array that announces 2^28 items', () => body('8080808010'), 'it ends too early'],
    ['an array that announces 2^62 items', () => body('80808080808080808001'), 'it ends too early'],
    ['a block of negative length', () => body('0301ffffffffffffffffff01'), 'it ends too early'],
    ['a number that does not end', () => body('ffffffffffffffffffffffff'), 'it has a number that does not end'],
    ['a text of negative length', () => body('020300'), 'it has a text of negative length'],
    ['a text that is cut', () => body('020861'), 'it ends too early'],
    ['bytes behind the record', () => body('0000'), '1 bytes follow its end'],
  ])('%s', (_name, bytes, why) => {
    expect(reason(() => lists.decode(bytes()))).toBe(`list: ${why}`);
  });

  it('an array in blocks with their sizes is read', () => {
    expect(lists.decode(body('01040261026300'.replace('0104', '0304')))).toEqual({ items: ['a', 'c'] });
  });

  it('whatever is changed, cut or added, it is read or refused with the one code', () => {
    const bytes = accounts.encode(account);
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: -20, max: 5 }),
        (at, flip, cut) => {
          const wrong = Buffer.concat([
            bytes.slice(0, bytes.length + Math.min(0, cut)),
            new Uint8Array(Math.max(0, cut)),
          ]);
          if (at < wrong.length) wrong[at] = (wrong[at] ?? 0) ^ flip;
          expect(reason(() => accounts.decode(wrong))).not.toContain('threw');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('record codec: rules for schemas', () => {
  const withField = (type: AvroSchema): AvroSchema => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });

  it.each<[string, AvroSchema, string]>([
    ['an array of nulls', withField({ type: 'array', items: 'null' }), 'no array of items without bytes'],
    [
      'an array of empty records',
      withField({ type: 'array', items: { type: 'record', name: 'E', fields: [] } }),
      'no array of items without bytes',
    ],
    ['a recursive type', withField(['null', 'R']), 'not recursive'],
    ['a float', withField('float'), 'a schema of Weir has no float'],
    ['a double', withField('double'), 'a schema of Weir has no double'],
    ['a map', withField({ type: 'map', values: 'string' }), 'no map'],
    ['a fixed', withField({ type: 'fixed', name: 'F', size: 4 }), 'no fixed'],
  ])('%s is refused', (_name, wrong, sentence) => {
    expect(() => recordCodec(wrong, 'record')).toThrow(sentence);
  });
});

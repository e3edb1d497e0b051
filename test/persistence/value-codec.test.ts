import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors/index.ts';
import { canonicalBytes, decodeValue, encodeValue } from '../../src/persistence/index.ts';

const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value, 'the value'));

function refusal(value: unknown): string {
  try {
    encodeValue(value, 'the state of stage settle');
  } catch (error) {
    if (WeirError.is(error, 'WEIR_VALUE_UNSUPPORTED')) return error.message;
    throw error;
  }
  return 'kept';
}

const refused = (path: string, found: string): string =>
  `the state of stage settle cannot be kept: ${path} is ${found}`;

class Money {
  readonly amount = 1n;
}

/** Any value that can be kept. */
const keepable = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(
      null,
      undefined,
      true,
      false,
      -0,
      0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 60, maxLength: 200 }),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 300 }),
  ),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value')),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('constructor', 'toJSON', 'hasOwnProperty', 'a', '1')),
      tie('value'),
      { noNullPrototype: true },
    ),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
})).value;

describe('value codec: what comes back', () => {
  it('any value that can be kept comes back equal', () => {
    fc.assert(
      fc.property(keepable, (value) => {
        // Vitest's own comparison is misled by a key named `constructor`.
        expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['-0', -0],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
    ['2^63 as a number', 2 ** 63],
    ['a small bigint', 5n],
    ['a bigint of 64 bits', 2n ** 64n - 1n],
    ['a negative bigint beyond 64 bits', -(2n ** 64n) - 1n],
    ['a bigint of 10,000 bits', 2n ** 10_000n + 1n],
    ['a bigint of 70,000 bits', -(2n ** 70_000n) - 12_345n],
    ['half a surrogate pair', 'a\ud800'],
    ['a long text with half a surrogate pair', `${'x'.repeat(300)}\udc00`],
    ['a byte order mark', '\ufeff'],
    ['a long text behind a byte order mark', `\ufeff${'é'.repeat(300)}`],
    ['a date before 1970 with milliseconds', new Date(-1)],
    ['the first date there is', new Date(-8.64e15)],
    ['the last date there is', new Date(8.64e15)],
    [
      'a map with keys of several kinds',
      new Map<unknown, unknown>([
        [{ a: 1 }, 1],
        [1, 2],
        ['1', 3],
        [Number.NaN, 4],
        [undefined, 5],
      ]),
    ],
    ['a set of sets', new Set([new Set([1]), new Set([new Date(5)])])],
    ['an array of 70,000 items', Array.from({ length: 70_000 }, (_, index) => index)],
    [
      'an object of 70,000 keys',
      Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index])),
    ],
    ['a text of 100,000 characters', 'ä€😀x'.repeat(25_000)],
    [
      'keys that other codecs trip over',
      { constructor: 1, toJSON: 'x', hasOwnProperty: null, toString: [], valueOf: 1 },
    ],
    ['an empty key', { '': { '': '' } }],
  ])('%s', (_name, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('a property that is undefined is not a missing one', () => {
    const back = roundTrip({ a: undefined, b: [undefined] });
    expect(Object.keys(back as object)).toEqual(['a', 'b']);
    expect(back).toStrictEqual({ a: undefined, b: [undefined] });
  });

  it('the order of keys, of map entries and of set members is kept', () => {
    const back = roundTrip({
      z: new Map([
        ['b', 1],
        ['a', 2],
      ]),
      a: new Set(['y', 'x']),
    }) as Record<string, Iterable<unknown>>;
    expect(Object.keys(back)).toEqual(['z', 'a']);
    expect([...(back.z ?? [])]).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
    expect([...(back.a ?? [])]).toEqual(['y', 'x']);
  });

  it('an object without prototype comes back as a plain one', () => {
    expect(roundTrip(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
  });

  it('a key named __proto__ comes back as a key and changes no prototype', () => {
    const value = JSON.parse('{"__proto__":{"isAdmin":true},"a":1}') as object;
    const back = roundTrip(value) as { isAdmin?: boolean };
    expect(Object.keys(back)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(back.isAdmin).toBeUndefined();
  });

  it.each([
    ['a Uint8Array', Uint8Array.of(1, 2, 3)],
    ['a Buffer', Buffer.from([1, 2, 3])],
    ['a view into a larger buffer', new Uint8Array(64).fill(9).subarray(10, 13)],
  ])('%s comes back as a Uint8Array of its own memory', (_name, bytes) => {
    const encoded = encodeValue({ bytes }, 'the value');
    const { bytes: back } = decodeValue(Buffer.from(encoded)) as { bytes: Uint8Array };
    expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype);
    expect([...back]).toEqual([...bytes]);
    expect(back.buffer.byteLength).toBe(3);
  });

  it('encoded bytes are plain, and later encodings do not change them', () => {
    const values = Array.from({ length: 300 }, (_, index) => ({ text: 'x'.repeat(index), index }));
    const encoded = values.map((value) => encodeValue(value, 'the value'));
    for (const bytes of encoded) expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(encoded.map(decodeValue)).toEqual(values);
  });

  it('what is kept of a small value keeps at most 1 KiB, and of a large one nothing beside it', () => {
    expect(encodeValue('x'.repeat(100), 'the value').buffer.byteLength).toBeLessThanOrEqual(1_024);
    const large = encodeValue('x'.repeat(1_000), 'the value');
    expect(large.buffer.byteLength).toBe(large.byteLength);
  });

  it('values of several megabytes and small ones after them', () => {
    const large = { bytes: new Uint8Array(3 << 20).fill(7), text: 'x'.repeat(1 << 20) };
    expect(Buffer.compare((roundTrip(large) as typeof large).bytes, large.bytes)).toBe(0);
    expect(roundTrip({ a: 1 })).toEqual({ a: 1 });
  });

  it('a value is not changed by encoding it', () => {
    const bytes = Uint8Array.of(1);
    const value = { at: new Date(0), list: [-0, new Map([[1, { deep: -0 }]])], bytes };
    const before = structuredClone(value);
    encodeValue(Object.freeze(value), 'the value');
    decodeValue(bytes);
    expect(value).toStrictEqual(before);
  });
});

describe('value codec: what is on disk', () => {
  // These bytes are in logs: a change here needs a migration.
  it.each([
    ['null', null, 'c0'],
    ['undefined', undefined, 'd40000'],
    ['-0', -0, 'd430009106'],
    ['an object', { a: 1, b: [true, 'x'] }, '82a16101a16292c3a178'],
    ['a date', new Date(1_700_000_000_000), 'd430009201cb4278bcfe56800000'],
    ['a map', new Map([['a', 1]]), 'd430009302a16101'],
    ['a set', new Set([1, 2]), 'd4300093030102'],
    ['a bigint', 7n, 'd30000000000000007'],
    ['a large bigint', 2n ** 64n, 'd84200000000000000010000000000000000'],
    ['bytes', Uint8Array.of(1, 2), 'c4020102'],
    ['half a surrogate pair', '\ud800', 'd430009205c40200d8'],
    ['a key that needs care', { constructor: 1 }, 'd430009304ab636f6e7374727563746f7201'],
  ])('%s', (_name, value, hex) => {
    expect(Buffer.from(encodeValue(value, 'the value')).toString('hex')).toBe(hex);
    expect(decodeValue(Buffer.from(hex, 'hex'))).toStrictEqual(value);
  });
});

describe('value codec: what is refused', () => {
  const cyclic: { name: string; items: unknown[] } = { name: 'a', items: [] };
  cyclic.items.push({ parent: cyclic.items });
  let deep: unknown = 1;
  for (let level = 0; level < 300; level += 1) deep = [deep];

  it.each<[string, unknown, string, string]>([
    [
      'a function deep inside',
      { order: { items: [1, 2, 3, { onClose: () => 1 }] } },
      '$.order.items[3].onClose',
      'a function',
    ],
    ['a function itself', () => 1, '$', 'a function'],
    ['a class', { Money }, '$.Money', 'a function'],
    ['a symbol', [Symbol('x')], '$[0]', 'a symbol'],
    ['a symbol key', { a: { [Symbol('x')]: 1 } }, '$.a[Symbol(x)]', 'a property with a symbol as its key'],
    ['an instance of a class', { price: new Money() }, '$.price', 'an instance of Money'],
    [
      'an instance of a nameless class',
      { price: new (class {})() },
      '$.price',
      'an object with a prototype of its own',
    ],
    [
      'an object made from another',
      { price: Object.create({ a: 1 }) },
      '$.price',
      'an object with a prototype of its own',
    ],
    ['a regular expression', [/x/], '$[0]', 'an instance of RegExp'],
    ['an error', { cause: new TypeError('x') }, '$.cause', 'an instance of TypeError'],
    ['a promise', { later: Promise.resolve(1) }, '$.later', 'an instance of Promise'],
    ['a weak map', { cache: new WeakMap() }, '$.cache', 'an instance of WeakMap'],
    ['another typed array', { data: new Float64Array(1) }, '$.data', 'an instance of Float64Array'],
    ['a DataView', { data: new DataView(new ArrayBuffer(1)) }, '$.data', 'an instance of DataView'],
    ['an ArrayBuffer', { data: new ArrayBuffer(1) }, '$.data', 'an instance of ArrayBuffer'],
    ['a boxed number', { n: Object(1) }, '$.n', 'an instance of Number'],
    ['a boxed symbol', { n: Object(Symbol('x')) }, '$.n', 'an instance of Symbol'],
    ['an invalid date', { at: new Date(Number.NaN) }, '$.at', 'an invalid Date'],
    ['a subclass of Date', { at: new (class Day extends Date {})() }, '$.at', 'an instance of Day'],
    ['a subclass of Map', { m: new (class Book extends Map {})() }, '$.m', 'an instance of Book'],
    ['a subclass of Array', { m: new (class List extends Array {})() }, '$.m', 'an instance of List'],
    ['what only pretends to be a Date', { at: Object.create(Date.prototype) }, '$.at', 'an instance of Date'],
    [
      'a getter',
      {
        get total() {
          return 1;
        },
      },
      '$.total',
      'a property with a getter or setter',
    ],
    ['a hidden property', Object.defineProperty({}, 'secret', { value: 1 }), '$.secret', 'a hidden property'],
    // biome-ignore lint/suspicious/noSparseArray: the refusal of it is tested
    ['a sparse array', { list: [1, , 3] }, '$.list[1]', 'a hole in an array'],
    [
      'an array with a property',
      { list: Object.assign([1], { total: 1 }) },
      '$.list.total',
      'a property beside the members',
    ],
    ['a map with a property', Object.assign(new Map(), { total: 1 }), '$.total', 'a property beside the members'],
    ['the match of a regular expression', 'ab'.match(/b/), '$.index', 'a property beside the members'],
    ['a proxy of a class', { p: new Proxy(new Money(), {}) }, '$.p', 'a Proxy'],
    ['a proxy of a plain object', new Proxy({}, {}), '$', 'a Proxy'],
    ['a proxy of a date', new Proxy(new Date(), {}), '$', 'a Proxy'],
    ['the value of a map', new Map([['EUR', () => 1]]), '$.get("EUR")', 'a function'],
    ['the key of a map', new Map([[Symbol('x'), 1]]), '$.keys()[0]', 'a symbol'],
    ['a member of a set', { tags: new Set([1, () => 1]) }, '$.tags.values()[1]', 'a function'],
    ['a key that is no identifier', { 'a b': { '1st': () => 1 } }, '$["a b"]["1st"]', 'a function'],
    ['a cycle', cyclic, '$.items[0].parent', 'a reference back to $.items'],
    [
      'a cycle at the root',
      (() => {
        const self: Record<string, unknown> = {};
        self.self = self;
        return self;
      })(),
      '$.self',
      'a reference back to $',
    ],
    ['nesting without end', deep, `$${'[0]'.repeat(256)}`, 'nested deeper than 256 levels'],
    [
      'a module',
      Object.assign(Object.create(null), { [Symbol.toStringTag]: 'Module' }),
      '$[Symbol(Symbol.toStringTag)]',
      'a property with a symbol as its key',
    ],
  ])('%s', (_name, value, path, found) => {
    expect(refusal(value)).toBe(refused(path, found));
  });

  it('nesting of 256 levels is kept', () => {
    let value: unknown = new Map([[1, -0]]);
    for (let level = 0; level < 255; level += 1) value = level % 2 === 0 ? [value] : { value };
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('an object that doubles at each level is refused before memory ends', () => {
    let value: unknown = [1];
    for (let level = 0; level < 60; level += 1) value = [value, value];
    expect(refusal(value)).toContain('too many for one value');
  });
});

describe('value codec: bytes of a stranger', () => {
  const unreadable = (hex: string): string => {
    try {
      return `read: ${typeof decodeValue(Buffer.from(hex, 'hex'))}`;
    } catch (error) {
      return WeirError.is(error, 'WEIR_RECORD_UNREADABLE') ? String(error.context.why) : `threw ${String(error)}`;
    }
  };

  it.each([
    ['no bytes', '', 'it ends too early'],
    ['a text that is cut', 'a5616263', 'it ends too early'],
    ['bytes behind the value', '0101', '1 bytes follow its end'],
    ['an array that announces 2^32 items', 'ddffffffff', 'it ends too early'],
    ['an array of arrays that each announce all the rest', 'dc0004dc0003dc0002dc0001', 'it ends too early'],
    ['a map that announces 2^32 entries', 'dfffffffff', 'it ends too early'],
    ['nesting without end', `${'91'.repeat(100_000)}01`, 'nested deeper than 256 levels'],
    ['a regular expression', 'd4780092a178a0', 'unknown extension 120'],
    ['an error', 'd4650092a178a0', 'unknown extension 101'],
    ['a record definition', 'd4724091a16101', 'unknown extension 114'],
    ['a typed array', 'c7027408', 'unknown extension 116'],
    ['a reference', 'd67000000001', 'unknown token 214'],
    ['the token that is never used', 'c1', 'unknown token 193'],
    ['an unknown tag', 'd430009163', 'unknown tag 99'],
    ['a tag without items', 'd4300001', 'a tag without its items'],
    ['a map without its last value', 'd430009202a161', 'a key without its value'],
    ['a date without time', 'd430009201c0', 'a date without a time'],
    ['an object whose key is no text', 'd4300093040101', 'an object with a key that is no text'],
  ])('%s', (_name, hex, why) => {
    expect(unreadable(hex)).toBe(why);
  });

  it('a plain map entry named __proto__ pollutes nothing', () => {
    const back = decodeValue(
      Buffer.concat([Buffer.of(0x81, 0xa9), Buffer.from('__proto__'), encodeValue({ x: 1 }, 'it')]),
    );
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect((back as { x?: number }).x).toBeUndefined();
  });

  it('whatever the bytes are, they are read or refused with the one code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(unreadable(Buffer.from(bytes).toString('hex'))).not.toContain('threw');
      }),
      { numRuns: 3_000 },
    );
  });

  it('a damaged encoding is read or refused with the one code', () => {
    fc.assert(
      fc.property(keepable, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = encodeValue(value, 'the value');
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ flip;
        expect(unreadable(Buffer.from(bytes).toString('hex'))).not.toContain('threw');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('canonical bytes', () => {
  const same = (a: unknown, b: unknown): boolean => Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0;

  it('the order of keys, entries and members does not count', () => {
    expect(same({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true);
    expect(
      same(
        new Map([
          ['a', { x: 1, y: 2 }],
          ['b', { x: 3, y: 4 }],
        ]),
        new Map([
          ['b', { y: 4, x: 3 }],
          ['a', { y: 2, x: 1 }],
        ]),
      ),
    ).toBe(true);
    expect(same(new Set([1, 'a', { p: 1, q: 2 }]), new Set([{ q: 2, p: 1 }, 'a', 1]))).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['the order of items', [1, 2], [2, 1]],
    ['a value', { a: 1 }, { a: 2 }],
    ['undefined and missing', { a: undefined }, {}],
    ['a number and a text', 1, '1'],
    ['a number and a bigint', 1, 1n],
    ['0 and -0', 0, -0],
    ['an object and a map', { a: 1 }, new Map([['a', 1]])],
    ['a list and a set', [1], new Set([1])],
    ['a date and its number', new Date(5), 5],
    [
      'entries that swap values',
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    ],
  ])('%s counts', (_name, a, b) => {
    expect(same(a, b)).toBe(false);
  });

  it('a shuffled copy has the same bytes and they read as the value', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (value instanceof Map)
        return new Map([...value].reverse().map(([key, item]) => [shuffled(key), shuffled(item)]));
      if (value instanceof Set) return new Set([...value].reverse().map(shuffled));
      if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array)
        return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, shuffled(item)]),
      );
    };
    fc.assert(
      fc.property(keepable, (value) => {
        expect(same(value, shuffled(value))).toBe(true);
        expect(isDeepStrictEqual(decodeValue(canonicalBytes(value)), value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what cannot be kept', () => {
    expect(() => canonicalBytes({ a: () => 1 })).toThrow('the value cannot be kept: $.a is a function');
  });
});

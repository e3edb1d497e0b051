/** Cases of the SQL port: what goes in as a parameter comes out as a value, the same through every driver. */
import { describe, expect, it } from 'vitest';
import type { Sql, SqlParameter } from '../../persistence/index.ts';
import { expectCode, failureOf, firstValue, makeTable, roundTrip } from './sql-contract-support.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const awkward = 'a "quoted" \\ back\\\\slash, {brace}, NULL, \'single\', \n\t, é 日本 \u{1f600}';

const sameBothWays: ReadonlyArray<readonly [type: string, value: SqlParameter]> = [
  ['boolean', true],
  ['boolean', false],
  ['int2', -32_768],
  ['int4', 2_147_483_647],
  ['int8', 9_223_372_036_854_775_807n],
  ['int8', -9_223_372_036_854_775_808n],
  ['int8', 1n],
  ['oid', 4_294_967_295],
  ['float4', 0.1],
  ['float8', 0.1],
  ['float8', -1.797_693_134_862_315_7e308],
  ['float8', 5e-324],
  ['float8', Number.POSITIVE_INFINITY],
  ['float8', Number.NEGATIVE_INFINITY],
  ['float8', Number.NaN],
  ['numeric', '12345678901234567890.123456789012345678900'],
  ['text', ''],
  ['text', awkward],
  ['varchar(3)', 'abc'],
  ['uuid', '8f14e45f-ceea-4671-a5b4-1d1a5e1a2b3c'],
  ['bytea', new Uint8Array()],
  ['bytea', everyByte],
  ['timestamptz', new Date('2026-02-28T23:59:59.999Z')],
  ['timestamptz', new Date('0001-01-01T00:00:00.000Z')],
  ['timestamptz', new Date('9999-12-31T23:59:59.999Z')],
  ['date', '2026-02-28'],
  ['time', '23:59:59.999999'],
  ['timestamp', '2026-02-28 23:59:59.999999'],
  ['interval', 'P1Y2M3DT4H5M6.789S'],
  ['int4[]', []],
  ['int4[]', [1, null, -3]],
  ['int8[]', [1n, 2n]],
  ['text[]', [awkward, '', null, 'NULL']],
  [
    'text[][]',
    [
      ['a', 'b'],
      ['c', null],
    ],
  ],
  ['bytea[]', [everyByte, new Uint8Array()]],
  ['boolean[]', [true, false, null]],
  ['numeric[]', ['1.10', '-0.5']],
  ['timestamptz[]', [new Date(0), null]],
];

const written: ReadonlyArray<readonly [sql: string, value: unknown]> = [
  ["'2026-01-01 01:00:00.123456+01'::timestamptz", new Date('2026-01-01T00:00:00.123Z')],
  ["'2026-01-01 00:00:00'::timestamptz", new Date('2026-01-01T00:00:00Z')],
  ["'2026-01-01 12:30:00+02'::timetz", '12:30:00+02'],
  ['1.10::numeric', '1.10'],
  ['1e-7::float8', 1e-7],
  ['count(*)', 1n],
  ["'[0:1]={7,8}'::int4[]", [7, 8]],
  ['array[\'{"a": 1}\', null]::jsonb[]', [{ a: 1 }, null]],
  ['\'{"a": [1, null, "x"], "b": {}}\'::jsonb', { a: [1, null, 'x'], b: {} }],
  ["'null'::json", null],
  ["'10.0.0.1'::inet", '10.0.0.1'],
  ["'(1,2)'::point", '(1,2)'],
  ["'name'::name", 'name'],
  ["'ab'::char(4)", 'ab  '],
];

export function sqlValueCases(sql: () => Sql): void {
  describe('values', () => {
    it.each(sameBothWays)('takes and gives %s: %s', async (type, value) => {
      const back = await roundTrip(sql(), type, value);
      expect(back).toEqual(value);
      expect(typeof back).toBe(typeof value);
    });

    it.each([...new Set(sameBothWays.map(([type]) => type)), 'jsonb'])('takes and gives null for %s', async (type) => {
      expect(await roundTrip(sql(), type, null)).toBe(null);
    });

    it.each(written)('reads %s', async (text, value) => {
      expect(await firstValue(sql(), `select ${text}`)).toEqual(value);
    });

    it.each([[{ a: [1, 'two', null, { b: true }] }], [[1, 2]], ['text'], [3], [false], [null], [{ text: awkward }]])(
      'takes and gives json: %j',
      async (value) => {
        expect(await roundTrip(sql(), 'jsonb', { json: value })).toEqual(value);
        expect(await roundTrip(sql(), 'json', { json: value })).toEqual(value);
      },
    );

    it('takes an array for any() and unnest()', async () => {
      expect(
        await firstValue(sql(), 'select count(*) from unnest($1::int4[]) as n where n = any($2::int4[])', [
          [1, 2, 3],
          [3, 1, 9],
        ]),
      ).toBe(2n);
    });

    it('gives types of the database itself as text', async () => {
      const table = await makeTable(sql(), 'id int');
      await sql().query(`create type mood_${table} as enum ('calm', 'cross')`);
      expect(await firstValue(sql(), `select 'cross'::mood_${table}`)).toBe('cross');
      expect(await roundTrip(sql(), `mood_${table}`, 'calm')).toBe('calm');
    });

    it('takes parameters for values, never for SQL', async () => {
      const table = await makeTable(sql(), 'name text');
      const hostile = `'); drop table ${table}; --`;
      await sql().query(`insert into ${table} values ($1)`, [hostile]);
      expect(await firstValue(sql(), `select name from ${table}`)).toBe(hostile);
    });

    it('takes a parameter in several places, and a thousand of them', async () => {
      expect(await firstValue(sql(), 'select $1::int4 + $1::int4', [21])).toBe(42);
      const parameters = Array.from({ length: 1_000 }, (_, index) => index);
      const sum = parameters.map((index) => `$${index + 1}::int4`).join(' + ');
      expect(await firstValue(sql(), `select ${sum}`, parameters)).toBe(499_500);
    });

    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['a function', () => 1],
      ['an object that is no json', { a: 1 }],
      ['json of nothing', { json: undefined }],
      ['an invalid date', new Date(Number.NaN)],
      ['a date after the year 9999', new Date('+010000-01-01T00:00:00Z')],
      ['a zero character', 'a\0b'],
      ['half a character', 'a\ud800b'],
      ['an array with undefined in it', [1, undefined]],
    ])('refuses %s, and sends nothing', async (_name, value) => {
      const table = await makeTable(sql(), 'id int, value text');
      const insert = `insert into ${table} values ($1, $2)`;
      // What a program without types may pass.
      const error = await failureOf(Reflect.apply(sql().query, sql(), [insert, [1, value]]));
      expect(error.code).toBe('WEIR_SQL_PARAMETER');
      expect(error.context).toMatchObject({ position: 2 });
      expect(await firstValue(sql(), `select count(*) from ${table}`)).toBe(0n);
    });

    it.each(["'infinity'::timestamptz", "'0044-03-15 BC'::timestamptz", "'10000-01-01'::timestamptz"])(
      'refuses %s, which is no Date',
      async (text) => {
        await expectCode(sql().query(`select ${text}`), 'WEIR_SQL_ROW');
        expect(await firstValue(sql(), `select (${text})::text`)).toEqual(expect.any(String));
      },
    );
  });

  describe('rows', () => {
    it('gives rows by the names of their columns, in order, and their count', async () => {
      const result = await sql().query(`select n as id, n * 2 as "Two Times" from generate_series(1, 3) as n`);
      expect(result).toEqual({
        rows: [
          { id: 1, 'Two Times': 2 },
          { id: 2, 'Two Times': 4 },
          { id: 3, 'Two Times': 6 },
        ],
        count: 3,
      });
    });

    it('counts the rows that a statement changes, and gives those it returns', async () => {
      const table = await makeTable(sql(), 'id int, name text');
      const counts = [
        await sql().query(`insert into ${table} values (1, 'a'), (2, 'b'), (3, 'c') returning id`),
        await sql().query(`update ${table} set name = 'x' where id > 1`),
        await sql().query(`delete from ${table} where id = 9`),
        await sql().query(`delete from ${table}`),
        await sql().query(`drop table ${table}`),
      ].map(({ rows, count }) => [rows.length, count]);
      expect(counts).toEqual([
        [3, 3],
        [0, 2],
        [0, 0],
        [0, 3],
        [0, 0],
      ]);
    });

    it('parses rows with what the caller gives for it', async () => {
      const row = { parse: (one: unknown) => `<${JSON.stringify(one)}>` };
      const { rows } = await sql().query('select $1::int4 as id', [7], { row });
      expect(rows).toEqual(['<{"id":7}>']);
    });

    it('fails when a row does not parse, with what the parser said', async () => {
      const refusal = new Error('no id');
      const row = {
        parse: () => {
          throw refusal;
        },
      };
      const error = await failureOf(sql().query('select 1 as id', [], { row }));
      expect([error.code, error.cause]).toEqual(['WEIR_SQL_ROW', refusal]);
    });

    it('refuses two columns of one name', async () => {
      await expectCode(sql().query('select 1 as id, 2 as id'), 'WEIR_SQL_STATEMENT');
    });

    it('keeps a column named __proto__ a column', async () => {
      const { rows } = await sql().query('select 1 as "__proto__"');
      expect(Object.keys(rows[0] ?? {})).toEqual(['__proto__']);
    });

    it('gives large results whole', async () => {
      const { rows, count } = await sql().query(
        'select n, repeat($1, 100) as filler from generate_series(1, 50000) as n',
        ['x'],
      );
      expect([rows.length, count, rows.at(-1)?.n]).toEqual([50_000, 50_000, 50_000]);
    });

    it('takes and gives large values', async () => {
      const large = Uint8Array.from({ length: 4_000_000 }, (_, index) => index % 251);
      const table = await makeTable(sql(), 'body bytea, text text');
      await sql().query(`insert into ${table} values ($1, $2)`, [large, 'é'.repeat(2_000_000)]);
      const { rows } = await sql().query(`select body, length(text) as length from ${table}`);
      expect(rows[0]?.length).toBe(2_000_000);
      const body = rows[0]?.body;
      expect(body instanceof Uint8Array && Buffer.compare(body, large) === 0).toBe(true);
    });

    it('DB9 refuses a result with more rows than its limit, and goes on', async () => {
      const error = await failureOf(sql().query('select * from generate_series(1, 2000000)', [], { maxRows: 1_000 }));
      expect(error.code).toBe('WEIR_SQL_RESULT_TOO_LARGE');
      expect((await sql().query('select * from generate_series(1, 1000)', [], { maxRows: 1_000 })).count).toBe(1_000);
    });
  });
}

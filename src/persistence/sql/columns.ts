/** Values of results from the texts that PostgreSQL writes, by the types of their columns. The same for all drivers. */
import { WeirError } from '../../errors/index.ts';
import type { Column, RawResult } from './connection.ts';
import type { SqlRow } from './port.ts';

type Decode = (text: string) => unknown;

const asText: Decode = (text) => text;
const bool: Decode = (text) => text === 't';
const json: Decode = (text) => JSON.parse(text);
const bytea: Decode = (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'));

/** `2026-01-31 12:00:00.123456+00`, as PostgreSQL writes it for UTC in ISO style. */
const timestamptz: Decode = (text) => {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text);
  if (match === null)
    throw new WeirError('WEIR_SQL_ROW', {
      why: 'a timestamp is infinite, before the year 1 or after 9999: select it as text',
    });
  return new Date(`${match[1]}T${match[2]}.${(match[3] ?? '').padEnd(3, '0').slice(0, 3)}Z`);
};

/** Object ids of built-in types, with those of their arrays; they never change. */
const types: ReadonlyArray<readonly [type: number, arrayType: number, decode: Decode]> = [
  [16, 1000, bool],
  [17, 1001, bytea],
  [19, 1003, asText], // name
  [20, 1016, BigInt],
  [21, 1005, Number],
  [23, 1007, Number],
  [25, 1009, asText],
  [26, 1028, Number], // oid
  [114, 199, json],
  [700, 1021, Number],
  [701, 1022, Number],
  [1042, 1014, asText], // char
  [1043, 1015, asText], // varchar
  [1082, 1182, asText], // date
  [1083, 1183, asText], // time
  [1114, 1115, asText], // timestamp
  [1184, 1185, timestamptz],
  [1186, 1187, asText], // interval
  [1266, 1270, asText], // timetz
  [1700, 1231, asText], // numeric
  [2950, 2951, asText], // uuid
  [3802, 3807, json],
];

const decoders: ReadonlyMap<number, Decode> = new Map(
  types.flatMap(
    ([type, arrayType, decode]): Array<[number, Decode]> => [
      [type, decode],
      [arrayType, (text) => decodeArray(text, decode)],
    ],
  ),
);

/** @throws WeirError `WEIR_SQL_ROW`, `WEIR_SQL_STATEMENT` for two columns of one name */
export function decodeRows({ columns, rows }: RawResult): SqlRow[] {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new WeirError('WEIR_SQL_STATEMENT', { why: `two columns of the result are named ${twice}` });
  }
  const readers = columns.map(({ name, type }: Column) => ({ name, decode: decoders.get(type) ?? asText }));
  return rows.map((row) =>
    Object.fromEntries(
      readers.map(({ name, decode }, index) => {
        const text = row[index] ?? null;
        return [name, text === null ? null : decode(text)];
      }),
    ),
  );
}

/** `{1,NULL,"a \"b\""}`, nested too, and with other bounds in front (`[0:1]={1,2}`). */
function decodeArray(text: string, decode: Decode): unknown[] {
  let at = text.indexOf('{');

  const quoted = (): string => {
    let item = '';
    for (at += 1; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      item += text[at];
    }
    at++;
    return item;
  };
  const bare = (): string => {
    const start = at;
    while (text[at] !== ',' && text[at] !== '}') at++;
    return text.slice(start, at);
  };
  const items = (): unknown[] => {
    const list: unknown[] = [];
    at++;
    while (text[at] !== '}') {
      if (text[at] === '{') list.push(items());
      else if (text[at] === '"') list.push(decode(quoted()));
      else {
        const item = bare();
        list.push(item === 'NULL' ? null : decode(item));
      }
      if (text[at] === ',') at++;
    }
    at++;
    return list;
  };
  return items();
}

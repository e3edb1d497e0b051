/**
 * Looks through the Avro binary of a record before avsc reads it.
 *
 * Owns the guarantee that bytes of a stranger cost no more than their own length. avsc notices only after reading that
 * the bytes have ended: four bytes that announce an array of 2^28 items would fill the memory. Hence also the rules
 * for schemas: no array of items without bytes, no recursion, no map (a key `__proto__` would become a prototype).
 */
import {
  type AvroDefinition,
  type AvroSchema,
  fullName,
  isPrimitive,
  isUnion,
  namespaceOf,
  part,
} from './avro-schema.ts';

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

interface Shape {
  /** Moves behind one value. @throws Error with the reason why there is none. */
  readonly skip: (cursor: Cursor) => void;
  /** Fewest bytes a value takes. */
  readonly least: number;
  /** The same for each field of a record. */
  readonly fields?: ReadonlyArray<Shape['skip']>;
}

/**
 * Throws an Error with the reason unless one whole record, and nothing else, lies in `bytes` from `start` on. Where each of
 * its fields begins is noted in `starts`.
 */
export type Scan = (bytes: Uint8Array, start: number, starts?: number[]) => void;

/** @throws Error when the schema breaks one of the rules above. */
export function compileScan(schema: AvroSchema): Scan {
  const { skip, fields = [] } = shapeOf(schema, '', new Map());
  return (bytes, start, starts) => {
    const cursor = { bytes, at: start };
    if (starts === undefined) skip(cursor);
    else {
      let place = 0;
      for (const skipField of fields) {
        starts[place++] = cursor.at;
        skipField(cursor);
      }
    }
    const left = bytes.length - cursor.at;
    if (left !== 0) throw new Error(left < 0 ? tooShort : `${left} bytes follow its end`);
  };
}

const tooShort = 'it ends too early';

/** Shapes of named types; `null` while one is being made. */
type Names = Map<string, Shape | null>;

function shapeOf(schema: AvroSchema, namespace: string, names: Names): Shape {
  if (typeof schema === 'string') return isPrimitive(schema) ? primitive(schema) : named(schema, namespace, names);
  if (isUnion(schema)) return union(schema.map((branch) => shapeOf(branch, namespace, names)));
  switch (schema.type) {
    case 'array':
      return array(shapeOf(part(schema.items), namespace, names));
    case 'record':
      return record(schema, namespace, names);
    case 'enum':
      return define(schema, namespace, names, enumeration(part(schema.symbols).length));
    case 'map':
    case 'fixed':
      throw new Error(`a schema of Weir has no ${schema.type}`);
    default:
      return shapeOf(schema.type, namespace, names);
  }
}

function named(name: string, namespace: string, names: Names): Shape {
  const shape = names.get(fullName(name, namespace));
  if (shape === null) throw new Error(`a schema of Weir is not recursive, as ${name} is`);
  if (shape === undefined) throw new Error(`the schema has no type ${name}`);
  return shape;
}

function define(schema: AvroDefinition, namespace: string, names: Names, shape: Shape): Shape {
  names.set(fullName(part(schema.name), schema.namespace ?? namespace), shape);
  return shape;
}

function record(schema: AvroDefinition, namespace: string, names: Names): Shape {
  const name = fullName(part(schema.name), schema.namespace ?? namespace);
  names.set(name, null);
  const fields = part(schema.fields).map((field) => shapeOf(field.type, namespaceOf(name), names));
  const skips = fields.map(({ skip }) => skip);
  return define(schema, namespace, names, {
    least: fields.reduce((sum, { least }) => sum + least, 0),
    fields: skips,
    skip: (cursor) => {
      for (const skip of skips) skip(cursor);
    },
  });
}

function array({ skip, least }: Shape): Shape {
  if (least === 0) throw new Error('a schema of Weir has no array of items without bytes');
  return {
    least: 1,
    skip: (cursor) => {
      for (let items = readLong(cursor); items !== 0; items = readLong(cursor)) {
        // A negative count is followed by the size of the block, for readers that jump over it.
        if (items < 0) readLong(cursor);
        const count = Math.abs(items);
        if (count * least > cursor.bytes.length - cursor.at) throw new Error(tooShort);
        for (let item = 0; item < count; item += 1) skip(cursor);
      }
    },
  };
}

function union(branches: readonly Shape[]): Shape {
  return {
    least: 1,
    skip: (cursor) => {
      const branch = branches[readLong(cursor)];
      if (branch === undefined) throw new Error('it has an unknown branch of a union');
      branch.skip(cursor);
    },
  };
}

function enumeration(symbols: number): Shape {
  return {
    least: 1,
    skip: (cursor) => {
      const symbol = readLong(cursor);
      if (symbol < 0 || symbol >= symbols) throw new Error('it has an unknown symbol of an enumeration');
    },
  };
}

function primitive(name: string): Shape {
  switch (name) {
    case 'null':
      return { least: 0, skip: () => undefined };
    case 'int':
    case 'long':
      return { least: 1, skip: readLong };
    case 'string':
    case 'bytes':
      return { least: 1, skip: skipText };
    case 'boolean':
      return { least: 1, skip: (cursor) => advance(cursor, 1) };
    default:
      // avsc reads them by methods that only a Buffer has, and records are read as they come.
      throw new Error(`a schema of Weir has no ${name}`);
  }
}

function skipText(cursor: Cursor): void {
  const length = readLong(cursor);
  if (length < 0) throw new Error('it has a text of negative length');
  advance(cursor, length);
}

function advance(cursor: Cursor, size: number): void {
  if (size > cursor.bytes.length - cursor.at) throw new Error(tooShort);
  cursor.at += size;
}

/** A zigzag number of variable length; beyond 2^53 only its size matters, since no count can be as large. */
function readLong(cursor: Cursor): number {
  const { bytes } = cursor;
  // Most are lengths and small counts.
  const only = bytes[cursor.at];
  if (only !== undefined && only < 0x80) {
    cursor.at += 1;
    return (only >> 1) ^ -(only & 1);
  }
  let value = 0;
  let scale = 1;
  for (let read = 0; read < 10; read += 1) {
    const byte = bytes[cursor.at];
    if (byte === undefined) throw new Error(tooShort);
    cursor.at += 1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 128;
  }
  throw new Error('it has a number that does not end');
}

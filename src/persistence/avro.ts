/**
 * The envelope of every record: Avro's single-object encoding, `C3 01`, the fingerprint of the writer's schema, the body.
 *
 * Owns reading what other versions wrote: a codec knows its own schema and those of its predecessors, and refuses any
 * other with `WEIR_RECORD_UNREADABLE`, so that the caller can park the record. No schema is ever taken from the wire.
 */
import avro from 'avsc';
import { messageOf, WeirError } from '../errors/index.ts';
import { type Glance, type Places, placesOf, RecordGlance } from './avro-glance.ts';
import { compileScan, type Scan } from './avro-scan.ts';
import { type AvroSchema, fingerprint } from './avro-schema.ts';
import { plainBytes, Text } from './avro-types.ts';
import { recordSlabBytes, Slab } from './slab.ts';

export interface RecordCodec<Value> {
  /**
   * The value in its envelope, in memory that nothing else is written to; records of one codec share slabs of 4 KiB.
   * @throws WeirError `WEIR_VALUE_UNSUPPORTED` with the path of the field that does not fit the schema.
   */
  encode(value: Value): Uint8Array;
  /**
   * The value of an envelope that this codec, or one of its predecessors, wrote. Safe on bytes from a stranger.
   * Fields of type `bytes` are views of memory that is theirs, never of `bytes`.
   * @throws WeirError `WEIR_RECORD_UNREADABLE`
   */
  decode(bytes: Uint8Array): Value;
  /**
   * A look at single fields of an envelope, after which `decode` does not fail; undefined when a predecessor wrote it. One
   * look at a time.
   * @throws WeirError `WEIR_RECORD_UNREADABLE`
   */
  glance(bytes: Uint8Array): Glance | undefined;
  /** Where the fields are, for a glance. */
  readonly places: Places<Value>;
  /** CRC-64-AVRO of the schema, by which records name it. */
  readonly fingerprint: bigint;
}

/** How records of one writer's schema are read. */
interface Reader {
  readonly scan: Scan;
  readonly resolver: avro.Resolver | undefined;
}

const headerBytes = 10;

/**
 * A codec for one kind of record. Fields of type `bytes` are plain Uint8Arrays; those of type `long` are
 * numbers from -2^52 to 2^53, for counts and times: avsc writes what is below as another number.
 * @param schema Without maps, floats, recursion, or arrays whose items take no bytes.
 * @param name What the record is, for the sentences of errors: `flow head`.
 * @param older Schemas of earlier versions, whose records may still be there. They must resolve to `schema` by Avro's
 *   rules: a field that was added has a default.
 */
export function recordCodec<Value>(
  schema: AvroSchema,
  name: string,
  older: readonly AvroSchema[] = [],
): RecordCodec<Value> {
  const type = typeOf(schema);
  const own = fingerprint(schema);
  const header = headerOf(own);
  const scan = compileScan(schema);
  const glance = new RecordGlance(schema, scan);
  const slab = new Slab(recordSlabBytes);

  const writers = new Map(older.map((writer) => [fingerprint(writer), writer]));
  // Made at first use: a resolver costs 0.2 ms, and most never meet a record of theirs.
  const readers = new Map<bigint, Reader>([[own, { scan, resolver: undefined }]]);

  const readerOf = (print: bigint): Reader => {
    const known = readers.get(print);
    if (known !== undefined) return known;
    const writer = writers.get(print);
    if (writer === undefined) throw new Error(`its schema ${hex(print)} is unknown`);
    const reader = { scan: compileScan(writer), resolver: type.createResolver(typeOf(writer)) };
    readers.set(print, reader);
    return reader;
  };

  /** Answers where the record ends; below 0, by how many bytes `target` is too short. */
  const write = (value: Value, target: Buffer, start: number): number => {
    if (start + headerBytes > target.length) return target.length - start - headerBytes;
    target.set(header, start);
    try {
      return type.encode(value, target, start + headerBytes);
    } catch (error) {
      throw misfit(type, value, name, error);
    }
  };

  return {
    fingerprint: own,
    encode(value) {
      let end = write(value, slab.buffer, slab.start);
      if (end < 0 && slab.start > 0) {
        slab.renew();
        end = write(value, slab.buffer, 0);
      }
      if (end >= 0) return slab.cut(end);
      const large = Buffer.allocUnsafeSlow(slab.buffer.length - end);
      write(value, large, 0);
      return new Uint8Array(large.buffer);
    },
    decode(bytes) {
      try {
        if (startsWith(bytes, header)) {
          scan(bytes, headerBytes);
          // Of a buffer's own methods avsc calls those for texts, which are ours, and for floats, which no record has.
          return type.decode(bytes as Buffer, headerBytes).value;
        }
        const buffer = bufferOf(bytes);
        const reader = readerOf(printOf(buffer));
        reader.scan(buffer, headerBytes);
        return type.decode(buffer, headerBytes, reader.resolver).value;
      } catch (error) {
        throw new WeirError('WEIR_RECORD_UNREADABLE', { what: name, why: messageOf(error) }, error);
      }
    },
    places: placesOf(schema),
    glance(bytes) {
      try {
        return startsWith(bytes, header) ? glance.look(bytes, headerBytes) : undefined;
      } catch (error) {
        throw new WeirError('WEIR_RECORD_UNREADABLE', { what: name, why: messageOf(error) }, error);
      }
    },
  };
}

function typeOf(schema: AvroSchema): avro.Type {
  // A copy, since avsc wants a mutable one and adds to what it is given.
  return avro.Type.forSchema(JSON.parse(JSON.stringify(schema)), {
    omitRecordMethods: true,
    typeHook: (part) => (isBytes(part) ? plainBytes : part === 'string' ? new Text() : undefined),
  });
}

/** Both ways of writing it: `"bytes"` and `{ "type": "bytes" }`. */
function isBytes(schema: unknown): boolean {
  return (
    schema === 'bytes' || (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'bytes')
  );
}

function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function headerOf(print: bigint): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(0xc301);
  header.writeBigUInt64LE(print, 2);
  return header;
}

function startsWith(buffer: Uint8Array, header: Buffer): boolean {
  for (let at = 0; at < headerBytes; at += 1) if (buffer[at] !== header[at]) return false;
  return true;
}

function printOf(buffer: Buffer): bigint {
  if (buffer.length < headerBytes) throw new Error('it ends too early');
  if (buffer.readUInt16BE() !== 0xc301) throw new Error('it is no Avro record');
  return buffer.readBigUInt64LE(2);
}

/** The first field that does not fit, for the sentence of the refusal. */
function misfit(type: avro.Type, value: unknown, name: string, cause: unknown): WeirError {
  let path = '$';
  let found = messageOf(cause);
  type.isValid(value, {
    errorHook: (at, part, expected) => {
      if (path !== '$') return;
      path = at.reduce((text, step) => (/^\d+$/.test(step) ? `${text}[${step}]` : `${text}.${step}`), '$');
      found = `${part === null || part === undefined ? part : `a ${typeof part}`}, not of type ${expected.typeName.replace('logical:plain-', '')}`;
    },
  });
  return new WeirError('WEIR_VALUE_UNSUPPORTED', { what: `a record of ${name}`, path, found }, cause);
}

function hex(print: bigint): string {
  return print.toString(16).padStart(16, '0');
}

/**
 * The codec of values that flows keep and send: bytes that come back as an equal value, or a refusal with the path.
 *
 * Owns the format: MessagePack (msgpackr), with one extension of ours for what MessagePack does not know. What can be
 * kept is decided in `value-shape.ts`; why it is so is in docs/decisions/value-codec.md.
 */
import { addExtension, Packr, RESET_BUFFER_MODE } from 'msgpackr';
import { messageOf, WeirError } from '../errors/index.ts';
import { Slab, valueSlabBytes } from './slab.ts';
import { scan, taggedExtension } from './value-scan.ts';
import { dress, isBare, startWalk, Tagged, tag } from './value-shape.ts';

addExtension({
  Class: Tagged,
  type: taggedExtension,
  write: (tagged: Tagged) => tagged.items,
  read: undress,
});

const packr = new Packr({
  // Records would write keys once per value, but build reader functions from bytes that a peer may have sent.
  useRecords: false,
  variableMapSize: true,
  useBigIntExtension: true,
  copyBuffers: true,
  structuredClone: false,
});

const slab = new Slab(valueSlabBytes);

/** Where small values are read: of all that it is given the library makes a DataView, which it keeps there. */
const desk = new Uint8Array(128);

/** Larger results make the library keep a buffer of their size for good; it is replaced after them. */
const keptBufferBytes = 1 << 20;
const freshBufferBytes = 8_192;

/**
 * Encodes a value: null, undefined, booleans, numbers (NaN, infinities and -0 too), strings, bigint of any size, Date,
 * Map, Set, Uint8Array, arrays and plain objects, nested to 256 levels. An object without prototype comes back with
 * the usual one; an object that is referred to twice comes back as two.
 * @param what What is kept, for the sentence of a refusal: `the state of stage settle`.
 * @returns Bytes that nothing else is written to; small values share slabs of 1 KiB.
 * @throws WeirError `WEIR_VALUE_UNSUPPORTED` with `what`, the path and what was found there, for anything else.
 */
export function encodeValue(value: unknown, what: string): Uint8Array {
  return pack(isBare(value) ? value : dress(value, startWalk(what)));
}

/**
 * The value of `encodeValue`'s bytes; it shares no memory with them. Safe on bytes from a stranger.
 * @throws WeirError `WEIR_RECORD_UNREADABLE`
 */
export function decodeValue(bytes: Uint8Array): unknown {
  const { length } = bytes;
  try {
    scan(bytes);
    if (length > desk.length) {
      // A view of our own: the library would hand out Buffers for a Buffer.
      return packr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, length));
    }
    for (let at = 0; at < length; at += 1) desk[at] = bytes[at] ?? 0;
    return packr.unpack(desk, length);
  } catch (error) {
    throw new WeirError('WEIR_RECORD_UNREADABLE', { what: 'a value', why: messageOf(error) }, error);
  }
}

/**
 * Bytes that are equal exactly when two values hold the same: the order of an object's keys, of a Map's entries and of
 * a Set's members does not count, that of an array's items does. For comparing, and for hashes; `decodeValue` reads
 * them too. `{ a: undefined }` differs from `{}`, and -0 from 0, as everywhere in the codec.
 * @throws WeirError `WEIR_VALUE_UNSUPPORTED`
 */
export function canonicalBytes(value: unknown): Uint8Array {
  return pack(dress(value, startWalk('the value', pack)));
}

function pack(dressed: unknown): Uint8Array {
  const packed = packr.pack(dressed, RESET_BUFFER_MODE);
  // A copy: the library's buffer is reused, and a view would keep all of it alive for a few bytes.
  const bytes = slab.copy(packed, 0, packed.length);
  if (bytes.length > keptBufferBytes) packr.useBuffer(Buffer.allocUnsafeSlow(freshBufferBytes));
  return bytes;
}

function undress(items: unknown): unknown {
  if (!Array.isArray(items)) throw new Error('a tag without its items');
  const [kind, first]: readonly unknown[] = items;
  switch (kind) {
    case tag.date:
      return readDate(first);
    case tag.map:
      return new Map(readPairs(items));
    case tag.set:
      return new Set(items.slice(1));
    case tag.object:
      return readObject(items);
    case tag.text:
      return readText(first);
    case tag.negativeZero:
      return -0;
    default:
      throw new Error(`unknown tag ${String(kind)}`);
  }
}

function readDate(time: unknown): Date {
  const date = new Date(typeof time === 'number' ? time : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Error('a date without a time');
  return date;
}

function readText(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array)) throw new Error('a text without its bytes');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
}

function readObject(items: readonly unknown[]): object {
  const object = {};
  for (const [key, value] of readPairs(items)) {
    if (typeof key !== 'string') throw new Error('an object with a key that is no text');
    // Defined, not assigned: assigning to `__proto__` would change the prototype.
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

function readPairs(items: readonly unknown[]): [unknown, unknown][] {
  if (items.length % 2 === 0) throw new Error('a key without its value');
  const pairs: [unknown, unknown][] = [];
  for (let index = 1; index < items.length; index += 2) pairs.push([items[index], items[index + 1]]);
  return pairs;
}

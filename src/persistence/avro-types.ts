/**
 * How avsc reads and writes texts and bytes for us. Most texts of records are short, plain and the same as in the record
 * before, and bytes are plain Uint8Arrays outside this folder, which do not keep the record that they came with.
 */
import avro from 'avsc';
import { Slab, valueSlabBytes } from './slab.ts';

/** What avsc reads from and writes to. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  writeLong(value: number): void;
  writeString(text: string): void;
}

interface Resolver {
  _read: (tap: Tap) => unknown;
}

interface TextBytes {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

/** It reads bytes that are no Buffer as well: to make one of a record costs more than most of its texts. */
const { utf8Slice } = Buffer.prototype as Buffer & TextBytes;

/** Longer texts are cheaper to read and write as a whole, and their length takes more than one byte. */
const shortText = 63;
const plainCodes = 0x7f;
const noBytes = new Uint8Array();

/** Texts that a field remembers, a power of two: records of a few flows take turns. */
const rememberedTexts = 16;

/** A text. One for each field: it remembers what that field was lately. */
export class Text extends avro.types.StringType {
  /** By what their bytes suggest: one that comes again is where it was. */
  readonly #known: string[] = new Array(rememberedTexts).fill('');

  _read(tap: Tap): string {
    const length = tap.readLong();
    const { buf, pos } = tap;
    tap.pos = pos + length;
    if (length > shortText) return utf8Slice.call(buf, pos, pos + length);
    if (length <= 0) return '';
    const hint = (buf[pos] ?? 0) + 3 * (buf[pos + (length >> 1)] ?? 0) + 5 * (buf[pos + length - 1] ?? 0);
    const slot = hint & (rememberedTexts - 1);
    const known = this.#known[slot] ?? '';
    if (length === known.length) {
      let at = 0;
      while (at < length && buf[pos + at] === known.charCodeAt(at)) at += 1;
      if (at === length) return known;
    }
    const text = utf8Slice.call(buf, pos, pos + length);
    // As many bytes as characters: only then is each byte a character.
    if (length === text.length) this.#known[slot] = text;
    return text;
  }

  _write(tap: Tap, text: unknown): void {
    if (typeof text !== 'string') throw new Error('it is no text');
    const { length } = text;
    const { buf, pos } = tap;
    if (length > shortText || pos + length >= buf.length) {
      tap.writeString(text);
      return;
    }
    buf[pos] = length * 2;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > plainCodes) {
        tap.writeString(text);
        return;
      }
      buf[pos + 1 + at] = code;
    }
    tap.pos = pos + 1 + length;
  }

  _update(resolver: Resolver, writer: avro.Type): void {
    if (writer instanceof Text) resolver._read = (tap) => this._read(tap);
  }
}

class PlainBytes extends avro.types.LogicalType {
  readonly #slab = new Slab(valueSlabBytes);

  _check(bytes: unknown, _flags: unknown, hook?: (value: unknown, type: avro.Type) => void): boolean {
    const fits = bytes instanceof Uint8Array;
    if (!fits) hook?.(bytes, this);
    return fits;
  }

  _read(tap: Tap): Uint8Array {
    const length = tap.readLong();
    const { buf, pos } = tap;
    tap.pos = pos + length;
    return length === 0 ? noBytes : this.#slab.copy(buf, pos, pos + length);
  }

  _write(tap: Tap, bytes: unknown): void {
    if (!(bytes instanceof Uint8Array)) throw new Error('it is no bytes');
    tap.writeLong(bytes.length);
    const { buf, pos } = tap;
    tap.pos = pos + bytes.length;
    if (tap.pos <= buf.length) buf.set(bytes, pos);
  }

  _update(resolver: Resolver, writer: avro.Type): void {
    if (writer === plainBytes) resolver._read = (tap) => this._read(tap);
  }
}

export const plainBytes = avro.Type.forSchema(
  { type: 'bytes', logicalType: 'plain-bytes' },
  { logicalTypes: { 'plain-bytes': PlainBytes } },
);

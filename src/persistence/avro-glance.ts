/**
 * A look at single fields of a record whose others nobody needs now: reading all of a checkpoint takes ten times as long
 * as finding out that its flow sleeps.
 *
 * Owns where fields begin, which the scan that every record goes through has noted, and how the few kinds of fields are
 * read that somebody looks at.
 */
import type { Scan } from './avro-scan.ts';
import { type AvroSchema, isUnion, part } from './avro-schema.ts';

/** Where the fields of a record stand, by name: what a glance is asked for. */
export type Places<Value> = { readonly [Name in keyof Value]: number };

/** The record that was looked at last; it is another one after the next look with the same codec. */
export interface Glance {
  text(place: number): string;
  /** Of an `int` or a `long`. */
  number(place: number): number;
  flag(place: number): boolean;
  /** Of an enumeration with these symbols. */
  choice<Symbol extends string>(place: number, symbols: readonly Symbol[]): Symbol;
  /** Whether a list has no items, bytes or a text are none, or an optional part is not there. */
  isNone(place: number): boolean;
}

/** Longer texts are seldom the same in the next record. */
const shortText = 63;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class RecordGlance implements Glance {
  readonly #scan: Scan;
  /** What each text was last: most are the same in the next record. */
  readonly #texts: string[];
  readonly #starts: number[];
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(schema: AvroSchema, scan: Scan) {
    const fields = fieldsOf(schema);
    this.#scan = scan;
    this.#texts = fields.map(() => '');
    this.#starts = fields.map(() => 0);
  }

  /** @throws Error when there is no whole record, and nothing else, from `start` on */
  look(bytes: Uint8Array, start: number): this {
    this.#scan(bytes, start, this.#starts);
    this.#bytes = bytes;
    return this;
  }

  text(place: number): string {
    this.#begin(place);
    const length = this.#long();
    const [bytes, from] = [this.#bytes, this.#at];
    const last = this.#texts[place] ?? '';
    if (length === last.length) {
      let at = 0;
      while (at < length && bytes[from + at] === last.charCodeAt(at)) at += 1;
      if (at === length) return last;
    }
    const text = decoder.decode(bytes.subarray(from, from + length));
    // As many bytes as characters: only then is each byte a character.
    if (length <= shortText && length === text.length) this.#texts[place] = text;
    return text;
  }

  number(place: number): number {
    this.#begin(place);
    return this.#long();
  }

  flag(place: number): boolean {
    return !this.isNone(place);
  }

  choice<Symbol extends string>(place: number, symbols: readonly Symbol[]): Symbol {
    this.#begin(place);
    return part(symbols[this.#long()]);
  }

  isNone(place: number): boolean {
    return this.#bytes[this.#starts[place] ?? 0] === 0;
  }

  #begin(place: number): void {
    this.#at = this.#starts[place] ?? 0;
  }

  /** Zigzag, of variable length; the scan has seen that it ends. */
  #long(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}

export function placesOf<Value>(schema: AvroSchema): Places<Value> {
  // The fields of the schema are those of the value: the codec's type says so.
  return Object.fromEntries(fieldsOf(schema).map(({ name }, place) => [name, place])) as Places<Value>;
}

function fieldsOf(schema: AvroSchema) {
  if (typeof schema === 'string' || isUnion(schema)) throw new Error('only a record has fields');
  return part(schema.fields);
}

/** Reading and writing the basic types of Kafka's protocol. */

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read. */
  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#moved(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#moved(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#moved(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#moved(4));
  }

  /** As a number: offsets and timestamps are far below 2^53. */
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#moved(8)));
  }

  /** As text, for ids, which use all 64 bits. */
  int64Text(): string {
    return String(this.#bytes.readBigInt64BE(this.#moved(8)));
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const from = this.#moved(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** What stands anywhere, as a plain array: what is kept of it keeps all that it was read from. */
  view(at: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + at, length);
  }

  text(length: number): string {
    const from = this.#moved(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  string(): string {
    return this.text(this.int16());
  }

  /** Unsigned, 32 bits. */
  uvarint(): number {
    let byte = this.#bytes.readUInt8(this.#at++);
    // Most are lengths and small counts.
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let unit = 0x80; ; unit *= 0x80) {
      byte = this.#bytes.readUInt8(this.#at++);
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  /** Signed, zigzag, 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.uvarint() - 1) }, read);
  }

  compactString(): string {
    return this.text(Math.max(0, this.uvarint() - 1));
  }

  /** Fields that a later version may add; none are known here. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }

  #moved(bytes: number): number {
    const from = this.#at;
    this.#at += bytes;
    return from;
  }
}

/** Writes into a buffer of exactly the size that its user has computed. */
export class ByteWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  get at(): number {
    return this.#at;
  }

  int8(value: number): this {
    this.#at = this.bytes.writeInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#at = this.bytes.writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.bytes.writeInt32BE(value, this.#at);
    return this;
  }

  int64(value: number | string): this {
    this.#at = this.bytes.writeBigInt64BE(BigInt(value), this.#at);
    return this;
  }

  raw(value: Uint8Array): this {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  text(value: string): this {
    this.#at += this.bytes.write(value, this.#at, 'utf8');
    return this;
  }

  string(value: string): this {
    return this.int16(Buffer.byteLength(value)).text(value);
  }

  uvarint(value: number): this {
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) this.bytes[this.#at++] = (left & 0x7f) | 0x80;
    this.bytes[this.#at++] = left;
    return this;
  }

  varint(value: number): this {
    return this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }
}

export function stringBytes(value: string): number {
  return 2 + Buffer.byteLength(value);
}

/** Size of a signed zigzag number. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value < 0 ? -2 * value - 1 : 2 * value; left >= 0x80; left = Math.floor(left / 0x80)) bytes += 1;
  return bytes;
}

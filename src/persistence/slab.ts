/**
 * Memory for pieces of bytes that live about as long as their neighbours: an allocation outside the heap for each would
 * cost more than what is written to it. A piece that is kept keeps the slab around it: small slabs are for what may be
 * kept for long, and what surely is has to be copied.
 */
export class Slab {
  readonly #bytes: number;
  buffer: Buffer;
  /** What the buffer lies in: asked for it, a buffer answers slowly. */
  #memory: ArrayBufferLike;
  /** Where the next piece begins. */
  start = 0;

  /** @param bytes of each slab; pieces of more than a quarter of it have memory of their own */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#memory = this.buffer.buffer;
  }

  /** Begins a new slab; pieces of the one before are not touched any more. */
  renew(): void {
    this.buffer = Buffer.allocUnsafeSlow(this.#bytes);
    this.#memory = this.buffer.buffer;
    this.start = 0;
  }

  /** The piece that has been written up to `end`. */
  cut(end: number): Uint8Array {
    const piece = new Uint8Array(this.#memory, this.start, end - this.start);
    this.start = end;
    return piece;
  }

  /** A copy of a part of `source`. */
  copy(source: Uint8Array, from: number, to: number): Uint8Array {
    const length = to - from;
    if (length > this.#bytes / 4) return new Uint8Array(source.subarray(from, to));
    if (this.start + length > this.#bytes) this.renew();
    const { buffer, start } = this;
    for (let at = 0; at < length; at += 1) buffer[start + at] = source[from + at] ?? 0;
    return this.cut(start + length);
  }
}

/** Slabs of what the log takes, and is then forgotten. */
export const recordSlabBytes = 4_096;
/** Slabs of values, which stay in memory for as long as their flow. */
export const valueSlabBytes = 1_024;

/**
 * Cuts what a socket receives into whole answers: four bytes that say how many follow, and those.
 *
 * A socket with a buffer of its own (`onread` of `node:net`) gives the same bytes again and again, so each answer is
 * copied once, into memory of exactly its size. kafkajs joins what has come once more when an answer is whole, so a
 * long one would be copied, and held, twice.
 */
import type { OnReadOpts, Socket } from 'node:net';

/** What a connection reads at once; as much as a socket of Node would, but it would take it anew each time. */
const readBytes = 64 * 1024;

const headBytes = 4;
/** No broker answers with so much: a fetch asks for a few MiB, and a request may be 100 MiB by default. */
const mostBytes = 512 * 1024 * 1024;

export class Frames {
  readonly #take: (frame: Buffer) => void;
  readonly #head = Buffer.alloc(headBytes);
  /** The frame that is coming, once its head is there. */
  #frame: Buffer | undefined;
  /** How much of it has come, its head included. */
  #has = 0;

  /** @param take is given each answer, the four bytes of its length included, in memory that is its own */
  constructor(take: (frame: Buffer) => void) {
    this.#take = take;
  }

  /**
   * The next bytes of the stream; they may be overwritten afterwards.
   * @throws Error when no answer of Kafka can be so long: something else answers there
   */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const frame = this.#frame;
      if (frame === undefined) {
        this.#head[this.#has] = bytes[at] ?? 0;
        at += 1;
        this.#has += 1;
        if (this.#has === headBytes) this.#begin();
        continue;
      }
      const end = Math.min(bytes.length, at + frame.length - this.#has);
      frame.set(bytes.subarray(at, end), this.#has);
      this.#has += end - at;
      at = end;
      if (this.#has === frame.length) this.#end(frame);
    }
  }

  #begin(): void {
    const length = this.#head.readInt32BE();
    if (length < 0 || length > mostBytes) throw new Error(`an answer of ${length} bytes: it is not Kafka that answers`);
    const frame = Buffer.allocUnsafe(headBytes + length);
    frame.set(this.#head);
    if (length === 0) this.#end(frame);
    else this.#frame = frame;
  }

  #end(frame: Buffer): void {
    this.#frame = undefined;
    this.#has = 0;
    this.#take(frame);
  }
}

/**
 * What a socket is opened with so that it gives whole answers as its `data`.
 * @param socket the one that is being opened
 */
export function readingFrames(socket: () => Socket): { readonly onread: OnReadOpts } {
  const frames = new Frames((frame) => socket().emit('data', frame));
  return {
    onread: {
      buffer: Buffer.allocUnsafe(readBytes),
      callback: (count, buffer) => {
        try {
          frames.add(buffer.subarray(0, count));
        } catch (error) {
          socket().destroy(error instanceof Error ? error : new Error(String(error)));
        }
        return !socket().destroyed;
      },
    },
  };
}

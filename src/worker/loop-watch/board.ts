/**
 * The board in shared memory: the event loop writes on it that it gets on, and who has it; a thread reads it while the
 * loop stands still. Owns the layout. Nothing is locked: what matters is written by one side and is one word.
 */
import type { LoopProbe } from '../../ports/index.ts';

/** Actors whose paths fit on the board; the first come keep their places, and services come first. */
const places = 1_024;
/** A place is the uid, the length of the path, and the path. */
const pathBytes = 120;
const placeBytes = 8 + pathBytes;

const words = { beats: 0, running: 1, held: 2 } as const;
const headBytes = 16;

/** Who has the loop. */
export interface Running {
  readonly uid: number;
  /** Unless the board has no place for it. */
  readonly path: string | undefined;
}

export function newBoard(): SharedArrayBuffer {
  return new SharedArrayBuffer(headBytes + places * placeBytes);
}

/** What the event loop writes. */
export class BoardWriter implements LoopProbe {
  readonly #words: Int32Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #encoder = new TextEncoder();

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** The loop gets on. `held`: a debugger is attached, and may stop it on purpose. */
  beat(held: boolean): void {
    this.#words[words.held] = held ? 1 : 0;
    Atomics.add(this.#words, words.beats, 1);
  }

  enters(uid: number): void {
    this.#words[words.running] = uid;
  }

  born(uid: number, path: string): void {
    const at = placeOf(uid);
    if (this.#words[at] !== 0) return;
    const text = this.#encoder.encode(path).subarray(0, pathBytes);
    new Uint8Array(this.#buffer).set(text, (at + 2) * 4);
    this.#words[at + 1] = text.length;
    this.#words[at] = uid;
  }

  gone(uid: number): void {
    const at = placeOf(uid);
    if (this.#words[at] === uid) this.#words[at] = 0;
  }
}

/** What the thread reads. */
export class BoardReader {
  readonly #words: Int32Array;
  readonly #buffer: SharedArrayBuffer;

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  get beats(): number {
    return Atomics.load(this.#words, words.beats);
  }

  get held(): boolean {
    return Atomics.load(this.#words, words.held) === 1;
  }

  /** Undefined while no actor has the loop. */
  running(): Running | undefined {
    const uid = Atomics.load(this.#words, words.running);
    if (uid === 0) return undefined;
    const at = placeOf(uid);
    if (this.#words[at] !== uid) return { uid, path: undefined };
    const start = (at + 2) * 4;
    const text = new Uint8Array(this.#buffer).slice(start, start + (this.#words[at + 1] ?? 0));
    return { uid, path: new TextDecoder().decode(text) };
  }
}

/** Index of the first word of its place. */
function placeOf(uid: number): number {
  return (headBytes + (uid % places) * placeBytes) / 4;
}

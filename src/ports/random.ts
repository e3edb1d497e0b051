/** The randomness port (W9). Not for keys: those come from the crypto service. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

const drawnAhead = 4_096;

/** Randomness of the machine. */
export function systemRandom(): Random {
  // Drawn ahead: a call of the system for each few bytes costs as much as the rest of a small request.
  let pool = new Uint8Array();
  let used = 0;
  return {
    next: () => Math.random(),
    bytes(length) {
      if (length > drawnAhead) return new Uint8Array(randomBytes(length));
      if (used + length > pool.length) {
        pool = new Uint8Array(randomBytes(drawnAhead));
        used = 0;
      }
      used += length;
      return pool.slice(used - length, used);
    },
  };
}

/** A repeatable stream from a seed (mulberry32, public domain, by Tommy Ettinger). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}

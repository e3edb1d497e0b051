/**
 * Looks through encoded bytes before the decoder does.
 *
 * Owns the guarantee that bytes of a stranger cost no more than their own length: every declared length fits into
 * what is left, nesting is bounded, and no extension of the MessagePack library but those that we write is reached.
 */
import { maxValueDepth } from './value-shape.ts';

/** MessagePack extension under which `Tagged` values are written. On disk: never change it. */
export const taggedExtension = 0x30;
/** msgpackr's extension for integers beyond 64 bits. */
const bigIntExtension = 0x42;

/** @throws Error with the reason why these bytes are not one encoded value. */
export function scan(bytes: Uint8Array): void {
  const end = bytes.length;
  /** Values still to come in each open container, outermost first; most values are none, or one. */
  let open: number[] | undefined;
  let here = 1;
  /** Values still to come in all of them. */
  let owed = 1;
  let at = 0;

  while (owed > 0) {
    // Each value takes a byte at least: with this, no container can announce more than the bytes can hold.
    if (owed > end - at) throw new Error('it ends too early');
    const token = bytes[at++] ?? 0;
    here -= 1;
    owed -= 1;
    /** Values in the container that begins here. */
    let values = 0;
    if (token < 0x80 || token >= 0xe0) {
      // a small integer
    } else if (token < 0x90) values = (token & 0x0f) * 2;
    else if (token < 0xa0) values = token & 0x0f;
    else if (token < 0xc0) at += token & 0x1f;
    else {
      switch (token) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break;
        case 0xc4:
        case 0xd9:
          at += 1 + uint(bytes, at, 1);
          break;
        case 0xc5:
        case 0xda:
          at += 2 + uint(bytes, at, 2);
          break;
        case 0xc6:
        case 0xdb:
          at += 4 + uint(bytes, at, 4);
          break;
        case 0xc7:
        case 0xc8:
        case 0xc9: {
          const size = 1 << (token - 0xc7);
          expectExtension(bytes[at + size], bigIntExtension);
          at += size + 1 + uint(bytes, at, size);
          break;
        }
        case 0xd8:
          expectExtension(bytes[at], bigIntExtension);
          at += 17;
          break;
        case 0xcc:
        case 0xd0:
          at += 1;
          break;
        case 0xcd:
        case 0xd1:
          at += 2;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          at += 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          at += 8;
          break;
        case 0xd4: {
          // `undefined` is extension 0; ours is a marker before the value that it concerns.
          const type = bytes[at];
          at += 2;
          if (type === 0) break;
          expectExtension(type, taggedExtension);
          here += 1;
          owed += 1;
          break;
        }
        case 0xdc:
          values = uint(bytes, at, 2);
          at += 2;
          break;
        case 0xdd:
          values = uint(bytes, at, 4);
          at += 4;
          break;
        case 0xde:
          values = uint(bytes, at, 2) * 2;
          at += 2;
          break;
        case 0xdf:
          values = uint(bytes, at, 4) * 2;
          at += 4;
          break;
        default:
          throw new Error(`unknown token ${token}`);
      }
    }
    if (values > 0) {
      open ??= [];
      open.push(here);
      if (open.length > maxValueDepth + 1) throw new Error(`nested deeper than ${maxValueDepth} levels`);
      here = values;
      owed += values;
    }
    while (here === 0 && open !== undefined && open.length > 0) here = open.pop() ?? 0;
  }
  if (at !== end) throw new Error(at > end ? 'it ends too early' : `${end - at} bytes follow its end`);
}

/** A number of `size` bytes. */
function uint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let index = at; index < at + size; index += 1) value = value * 256 + (bytes[index] ?? 0);
  return value;
}

function expectExtension(found: number | undefined, expected: number): void {
  if (found !== expected) throw new Error(`unknown extension ${found}`);
}

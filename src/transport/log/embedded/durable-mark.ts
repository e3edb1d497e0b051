/**
 * The side file that says how far the store is durable.
 *
 * Written after each group, before its commits are acknowledged, and not synced: it may lag behind the store (after a
 * power loss) but never lead it. So a store that ends before the mark has lost something. Two slots in separate
 * sectors are written in turn, so that a torn write leaves the other one.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { WeirError } from '../../../errors/index.ts';
import type { DurableMark } from './inspect.ts';

const slotBytes = 20;
const slotSpacing = 512;
export const markName = 'durable';

/** Creates the file, synced; the first mark says that nothing is durable. */
export function createMark(path: string): void {
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([encode({ group: 0, sequence: 0 }), Buffer.alloc(2 * slotSpacing - slotBytes)]), 0);
  fsyncSync(file);
  closeSync(file);
}

/** @throws WeirError `WEIR_LOG_DAMAGED` when neither slot can be read. */
export function readMark(directory: string, path: string): DurableMark {
  const marks = [0, 1]
    .map((slot) => decode(readBytes(path).subarray(slot * slotSpacing)))
    .filter((mark) => mark !== undefined);
  const newest = marks.sort((a, b) => b.group - a.group)[0];
  if (newest === undefined) {
    throw new WeirError('WEIR_LOG_DAMAGED', { directory, why: `the file ${markName} is missing or cannot be read` });
  }
  return newest;
}

export class MarkWriter {
  readonly #file: number;
  #slot = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r+');
  }

  /** Takes a few microseconds: the write goes to the page cache. */
  write(mark: DurableMark): void {
    this.#slot = 1 - this.#slot;
    writeSync(this.#file, encode(mark), 0, slotBytes, this.#slot * slotSpacing);
  }

  close(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

function encode({ group, sequence }: DurableMark): Buffer {
  const slot = Buffer.alloc(slotBytes);
  slot.writeUIntLE(group, 4, 6);
  slot.writeUIntLE(sequence, 12, 6);
  slot.writeUInt32LE(crc32(slot.subarray(4)), 0);
  return slot;
}

function decode(bytes: Buffer): DurableMark | undefined {
  if (bytes.length < slotBytes) return undefined;
  const slot = bytes.subarray(0, slotBytes);
  if (crc32(slot.subarray(4)) !== slot.readUInt32LE(0)) return undefined;
  return { group: slot.readUIntLE(4, 6), sequence: slot.readUIntLE(12, 6) };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    // Missing or unreadable is told as damage by the caller.
    return Buffer.alloc(0);
  }
}

/**
 * Reads a LevelDB log file (the write-ahead logs and the MANIFEST) without LevelDB.
 *
 * LevelDB drops damaged records in silence when it opens a store. This reader says where the sound part ends and
 * whether anything sound comes after it: a torn end is what a crash leaves, a hole is damage.
 * Format: blocks of 32 KiB; a fragment is masked CRC-32C (4), length (2), type (1), payload.
 */
import { crc32c } from '../../crc32c.ts';
import { maskCrc } from './mask-crc.ts';

const blockBytes = 32_768;
const headerBytes = 7;
const full = 1;
const first = 2;
const last = 4;

export interface LogScan {
  /** The payloads of the records before the first fault. */
  readonly records: readonly Buffer[];
  /** Absent when the file ends with a whole record. */
  readonly fault?: {
    readonly offset: number;
    /** A record that starts after the fault can be read: the fault is a hole, not a torn end. */
    readonly hole: boolean;
    /** The file ends within the record at `offset`, or has only zeros from there on, as after a power loss. */
    readonly short: boolean;
  };
}

interface Fragment {
  readonly type: number;
  readonly payload: Buffer;
  readonly end: number;
}

export function scanLog(file: Buffer): LogScan {
  const records: Buffer[] = [];
  let at = 0;
  let start = 0;
  let parts: Buffer[] = [];
  for (;;) {
    at = skipTrailer(at);
    if (at >= file.length) break;
    const fragment = readFragment(file, at);
    const begins = fragment !== undefined && fragment !== 'short' && [full, first].includes(fragment.type);
    if (fragment === undefined || fragment === 'short' || begins !== (parts.length === 0)) {
      const offset = parts.length > 0 ? start : at;
      return {
        records,
        fault: { offset, hole: resumesAfter(file, at), short: fragment === 'short' || isZero(file, at) },
      };
    }
    if (begins) start = at;
    at = fragment.end;
    parts.push(fragment.payload);
    if (fragment.type === full || fragment.type === last) {
      records.push(parts.length === 1 ? fragment.payload : Buffer.concat(parts));
      parts = [];
    }
  }
  return parts.length === 0 ? { records } : { records, fault: { offset: start, hole: false, short: true } };
}

/** The end of a block that has no room for a header is filled with zeros. */
function skipTrailer(at: number): number {
  const left = blockBytes - (at % blockBytes);
  return left < headerBytes ? at + left : at;
}

function readFragment(file: Buffer, at: number): Fragment | 'short' | undefined {
  if (at + headerBytes > file.length) return 'short';
  const length = file.readUInt16LE(at + 4);
  const type = file.readUInt8(at + 6);
  const end = at + headerBytes + length;
  if (type < full || type > last || end > blockEnd(at)) return undefined;
  if (end > file.length) return 'short';
  if (maskCrc(crc32c(file, at + 6, end)) !== file.readUInt32LE(at)) return undefined;
  return { type, payload: file.subarray(at + headerBytes, end), end };
}

function isZero(file: Buffer, from: number): boolean {
  return file.subarray(from).every((byte) => byte === 0);
}

function blockEnd(at: number): number {
  return (Math.floor(at / blockBytes) + 1) * blockBytes;
}

/** Looks for the start of a sound record after a fault: behind the faulty fragment, then in each later block. */
function resumesAfter(file: Buffer, fault: number): boolean {
  const starts: number[] = [];
  if (fault + headerBytes <= file.length) starts.push(fault + headerBytes + file.readUInt16LE(fault + 4));
  for (let block = blockEnd(fault); block < file.length; block += blockBytes) starts.push(block);
  return starts.some((start) => startsRecord(file, start));
}

function startsRecord(file: Buffer, start: number): boolean {
  const end = blockEnd(start);
  for (let at = start; skipTrailer(at) < Math.min(end, file.length); ) {
    const fragment = readFragment(file, at);
    if (fragment === undefined || fragment === 'short') return false;
    if (fragment.type === full || fragment.type === first) return true;
    at = fragment.end;
  }
  return false;
}

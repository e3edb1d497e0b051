/**
 * How records lie in the store: keys, checked values and group records.
 *
 * Every value on disk is its CRC-32 over key and value (4 bytes) and the value itself, so neither a changed byte nor
 * a value under the wrong key is taken for the truth. A group record closes each commit group: its number, the hash
 * of the group record before it, and a digest of the group's operations.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { WeirError } from '../../../errors/index.ts';
import type { LogRecord, TailRecord, TopicName } from '../port.ts';

/** Keys of the log itself start with a character that no topic's name can have. */
export const systemPrefix = '!';
export const groupPrefix = '!g/';
/** Group records kept; number *n* overwrites number *n* - 64. */
export const keptGroups = 64;

const crcBytes = 4;
const noRoom = Buffer.alloc(0);
const groupRecordBytes = 32;
const hashBytes = 16;

/** All keys of partition *p* of a topic start with this, so a shard is one range. */
export function partitionPrefix(topic: TopicName, partition: number): string {
  return `${topic}/${String(partition).padStart(4, '0')}/`;
}

/** The first key behind all that start with `prefix`, which ends in "/". */
export function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

export function offsetKey(prefix: string, offset: number): string {
  return prefix + String(offset).padStart(16, '0');
}

export function groupKey(number: number): string {
  return groupPrefix + String(number % keptGroups).padStart(2, '0');
}

/** Operations on their way into a group, already encoded: they can be written again as they are. */
export class Operations {
  readonly keys: string[] = [];
  /** Null for a deletion. */
  readonly values: Array<Uint8Array | null> = [];
  readonly crcs: number[] = [];
  bytes = 0;

  #room = noRoom;
  #used = 0;

  /** Makes room for the values of so many records at once; values are copied, so the caller's may be reused at once. */
  reserve(...batches: ReadonlyArray<readonly LogRecord[]>): void {
    let bytes = 0;
    for (const records of batches) {
      for (const { value } of records) if (value !== null) bytes += crcBytes + value.byteLength;
    }
    this.#room = Buffer.allocUnsafe(bytes);
    this.#used = 0;
  }

  put(key: string, value: Uint8Array): void {
    const end = this.#used + crcBytes + value.byteLength;
    if (end > this.#room.length) {
      this.#add(key, value, Buffer.allocUnsafe(crcBytes + value.byteLength));
      return;
    }
    this.#add(key, value, this.#room.subarray(this.#used, end));
    this.#used = end;
  }

  /** A record under `prefix`. */
  record(prefix: string, { key, value }: LogRecord): void {
    if (value === null) this.delete(prefix + key);
    else this.put(prefix + key, value);
  }

  delete(key: string): void {
    this.keys.push(key);
    this.values.push(null);
    this.crcs.push(crc32(key));
    this.bytes += key.length;
  }

  /** Records under `prefix`. */
  records(prefix: string, records: readonly LogRecord[]): void {
    this.reserve(records);
    for (const record of records) this.record(prefix, record);
  }

  append(other: Operations): void {
    for (const key of other.keys) this.keys.push(key);
    for (const value of other.values) this.values.push(value);
    for (const crc of other.crcs) this.crcs.push(crc);
    this.bytes += other.bytes;
  }

  #add(key: string, value: Uint8Array, stored: Buffer): void {
    const crc = crc32(value, crc32(key));
    stored.writeUInt32LE(crc, 0);
    stored.set(value, crcBytes);
    this.keys.push(key);
    this.values.push(stored);
    this.crcs.push(crc);
    this.bytes += key.length + stored.length;
  }
}

/**
 * The value that was stored under `key`.
 * @throws WeirError `WEIR_LOG_DAMAGED` naming the key, when it is not what was written.
 */
export function decodeValue(directory: string, key: string, stored: Uint8Array): Uint8Array {
  const value = checkedValue(key, stored);
  if (value === undefined)
    throw new WeirError('WEIR_LOG_DAMAGED', { directory, why: `the record ${key} has a wrong CRC` });
  return value;
}

/** The value that was stored under `key`, or undefined when its CRC is wrong. */
export function checkedValue(key: string | Uint8Array, stored: Uint8Array): Uint8Array | undefined {
  if (stored.byteLength < crcBytes) return undefined;
  const value = stored.subarray(crcBytes);
  const view = new DataView(stored.buffer, stored.byteOffset, crcBytes);
  return view.getUint32(0, true) === crc32(value, crc32(key)) ? value : undefined;
}

/** The value in what `Operations` has encoded. */
export function contentOf(stored: Uint8Array): Uint8Array {
  return stored.subarray(crcBytes);
}

/** An event's stored value holds its key, because its place in the store is its offset. */
export function encodeEvent(key: string, value: Uint8Array): Uint8Array {
  const keyLength = Buffer.byteLength(key);
  const encoded = Buffer.allocUnsafe(4 + keyLength + value.byteLength);
  encoded.writeUInt32LE(keyLength, 0);
  encoded.write(key, 4);
  encoded.set(value, 4 + keyLength);
  return encoded;
}

export function decodeEvent(encoded: Uint8Array, offset: number): TailRecord {
  const buffer = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const keyEnd = 4 + buffer.readUInt32LE(0);
  return { key: buffer.toString('utf8', 4, keyEnd), value: buffer.subarray(keyEnd), offset };
}

export interface GroupRecord {
  readonly number: number;
  /** Hash of the group record before this one; zeros for the first. */
  readonly previous: Uint8Array;
  /** CRC-32 over the CRCs of the group's other operations. */
  readonly digest: number;
  readonly operations: number;
}

export function encodeGroup({ number, previous, digest, operations }: GroupRecord): Buffer {
  const encoded = Buffer.alloc(groupRecordBytes);
  encoded.writeUIntLE(number, 0, 6);
  encoded.set(previous, 8);
  encoded.writeUInt32LE(digest, 24);
  encoded.writeUInt32LE(operations, 28);
  return encoded;
}

export function decodeGroup(encoded: Uint8Array): GroupRecord {
  const buffer = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return {
    number: buffer.readUIntLE(0, 6),
    previous: buffer.subarray(8, 8 + hashBytes),
    digest: buffer.readUInt32LE(24),
    operations: buffer.readUInt32LE(28),
  };
}

export function hashGroup(encoded: Uint8Array): Buffer {
  return hash('sha256', encoded, 'buffer').subarray(0, hashBytes);
}

export const noHash: Uint8Array = new Uint8Array(hashBytes);

export function digestOf(crcs: readonly number[]): number {
  const words = Uint32Array.from(crcs);
  return crc32(new Uint8Array(words.buffer));
}

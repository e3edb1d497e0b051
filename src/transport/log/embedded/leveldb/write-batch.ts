/** Reads the write batches of a LevelDB write-ahead log. Owns no files. */
import { Cursor } from './cursor.ts';

export interface BatchOperation {
  readonly key: Buffer;
  /** Undefined for a deletion. */
  readonly value: Buffer | undefined;
}

export interface WriteBatch {
  /** Sequence number of its first operation; each operation takes the next one. */
  readonly sequence: number;
  readonly operations: readonly BatchOperation[];
}

/** @throws RangeError when it cannot be read. */
export function readWriteBatch(record: Buffer): WriteBatch {
  if (record.length < 12) throw new RangeError('a write batch is too short');
  const sequence = Number(record.readBigUInt64LE(0));
  const count = record.readUInt32LE(8);
  const cursor = new Cursor(record, 12);
  const operations: BatchOperation[] = [];
  while (!cursor.done) {
    const type = cursor.byte();
    if (type > 1) throw new RangeError(`a write batch has an operation of the unknown type ${type}`);
    operations.push({ key: cursor.slice(), value: type === 1 ? cursor.slice() : undefined });
  }
  if (operations.length !== count) throw new RangeError('a write batch has another number of operations than it says');
  return { sequence, operations };
}

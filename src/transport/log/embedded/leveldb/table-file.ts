/**
 * Checks a LevelDB table file (`.ldb`) block by block, and reads entries from it, without LevelDB.
 *
 * LevelDB checks no block's CRC when it reads for an iterator. Here every byte is covered: the blocks must lie end to
 * end from the first byte to the footer, each with a sound CRC. Tables are written without compression.
 */
import { crc32c } from '../../crc32c.ts';
import { Cursor } from './cursor.ts';
import { maskCrc } from './mask-crc.ts';

const footerBytes = 48;
const trailerBytes = 5;
const magic = Buffer.from('57fb808b247547db', 'hex');

interface Handle {
  readonly offset: number;
  readonly size: number;
}

export interface TableEntry {
  readonly key: string;
  /** Undefined for a deletion. */
  readonly value: Buffer | undefined;
}

/**
 * Checks the whole table and gives its entries whose keys start with `prefix`.
 * @throws RangeError that says what is wrong.
 */
export function checkTable(file: Buffer, prefix: string): TableEntry[] {
  if (file.length < footerBytes) throw new RangeError('it is too short');
  const footer = file.subarray(file.length - footerBytes);
  if (!footer.subarray(footerBytes - magic.length).equals(magic)) throw new RangeError('its footer is damaged');
  const cursor = new Cursor(footer);
  const metaindex = readHandle(cursor);
  const index = readHandle(cursor);
  const data = blockEntries(block(file, index)).map(([, value]) => readHandle(new Cursor(value)));
  const meta = blockEntries(block(file, metaindex)).map(([, value]) => readHandle(new Cursor(value)));
  let end = 0;
  const found: TableEntry[] = [];
  for (const handle of [...data, ...meta, metaindex, index]) {
    if (handle.offset !== end) throw new RangeError(`bytes from ${end} on belong to no block`);
    end = handle.offset + handle.size + trailerBytes;
  }
  if (end !== file.length - footerBytes) throw new RangeError(`bytes from ${end} on belong to no block`);
  for (const handle of meta) block(file, handle);
  let within = true;
  for (const handle of data) {
    const content = block(file, handle);
    // Keys ascend, and `prefix` sorts before all others' prefixes but a few: stop decoding behind it.
    if (!within) continue;
    for (const [key, value] of blockEntries(content)) {
      const entry = decodeEntry(key, value);
      if (entry.key.startsWith(prefix)) found.push(entry);
      else if (entry.key > prefix) within = false;
    }
  }
  return found;
}

function readHandle(cursor: Cursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

/** The content of a block whose CRC is sound. */
function block(file: Buffer, { offset, size }: Handle): Buffer {
  const end = offset + size;
  if (end + trailerBytes > file.length) throw new RangeError(`the block at ${offset} ends outside the file`);
  if (maskCrc(crc32c(file, offset, end + 1)) !== file.readUInt32LE(end + 1)) {
    throw new RangeError(`the block at ${offset} has a wrong CRC`);
  }
  if (file[end] !== 0) throw new RangeError(`the block at ${offset} is compressed`);
  return file.subarray(offset, end);
}

/** Keys are stored as the length shared with the previous key, and the rest. */
function blockEntries(content: Buffer): Array<[Buffer, Buffer]> {
  const restarts = content.readUInt32LE(content.length - 4);
  const cursor = new Cursor(content, 0, content.length - 4 - 4 * restarts);
  const entries: Array<[Buffer, Buffer]> = [];
  let key: Buffer = Buffer.alloc(0);
  while (!cursor.done) {
    const shared = cursor.varint();
    const rest = cursor.varint();
    const length = cursor.varint();
    key = Buffer.concat([key.subarray(0, shared), cursor.take(rest)]);
    entries.push([key, cursor.take(length)]);
  }
  return entries;
}

/** The last eight bytes of an internal key are type (1) and sequence number (7). */
function decodeEntry(key: Buffer, value: Buffer): TableEntry {
  const tag = key.length - 8;
  return {
    key: key.toString('utf8', 0, tag),
    value: key[tag] === 1 ? value : undefined,
  };
}

/**
 * Record batches of format v2, as bytes: written whole for one produce request, read with their headers.
 *
 * Headers matter as much as records: they say who wrote a batch, and they stay when compaction has emptied it.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { crc32c } from '../../crc32c.ts';
import type { FetchedRecord, ProduceRequest, WireBatch, WireRecord } from '../wire.ts';
import { ByteReader, ByteWriter, varintBytes } from './bytes.ts';

/** Base offset and length. */
const prefixBytes = 12;
/** Everything before the records. */
const headerBytes = 61;
/** The checksum covers what follows it. */
const checkedFrom = 21;
const format = 2;
const controlFlag = 0x20;

/** One batch with all records of the request. */
export function encodeBatch({ records, timestampMs, producer }: Omit<ProduceRequest, 'topic' | 'partition'>): Buffer {
  const bodies = records.map(bodyBytes);
  const size = bodies.reduce((sum, body) => sum + varintBytes(body) + body, headerBytes);
  const writer = new ByteWriter(size)
    .int64(0)
    .int32(size - prefixBytes)
    .int32(-1)
    .int8(format)
    .int32(0)
    .int16(0)
    .int32(records.length - 1)
    .int64(timestampMs)
    .int64(timestampMs)
    .int64(producer?.producerId ?? -1)
    .int16(producer?.epoch ?? -1)
    .int32(producer?.sequence ?? -1)
    .int32(records.length);
  for (const [index, { key, value }] of records.entries()) {
    writer
      .varint(bodies[index] ?? 0)
      .int8(0)
      .varint(0)
      .varint(index);
    if (key === null) writer.varint(-1);
    else writer.varint(Buffer.byteLength(key)).text(key);
    if (value === null) writer.varint(-1);
    else writer.varint(value.length).raw(value);
    writer.varint(0);
  }
  writer.bytes.writeUInt32BE(crc32c(writer.bytes.subarray(checkedFrom)), checkedFrom - 4);
  return writer.bytes;
}

/** All whole batches in `bytes`; brokers cut the last one off where a limit of bytes falls. */
export function decodeBatches(bytes: Buffer): WireBatch[] {
  const batches: WireBatch[] = [];
  const reader = new ByteReader(bytes);
  while (reader.left >= prefixBytes) {
    const baseOffset = reader.int64();
    const length = reader.int32();
    if (reader.left < length) break;
    batches.push(decodeBatch(baseOffset, reader.bytes(length)));
  }
  return batches;
}

/** Its header, checked; records are read when somebody asks for them, who may have more of the log sent meanwhile. */
function decodeBatch(baseOffset: number, bytes: Buffer): WireBatch {
  const reader = new ByteReader(bytes);
  const leaderEpoch = reader.int32();
  const magic = reader.int8();
  if (magic !== format) throw new Error(`the batch at offset ${baseOffset} has format ${magic}, and only 2 is read`);
  if (reader.uint32() !== crc32c(bytes, checkedFrom - prefixBytes)) {
    throw new Error(`the batch at offset ${baseOffset} is damaged: its checksum is wrong`);
  }
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  // The first timestamp may have become the time until which tombstones are kept; the greatest one stays.
  reader.skip(8);
  const timestampMs = reader.int64();
  const producerId = reader.int64Text();
  const epoch = reader.int16();
  const baseSequence = reader.int32();
  const count = reader.int32();
  const control = (attributes & controlFlag) !== 0;
  const producer = producerId === '-1' ? undefined : { producerId, epoch, baseSequence };
  let body = control ? undefined : plain(reader, attributes & 7, baseOffset);
  let records: readonly FetchedRecord[] = [];
  return {
    ...{ baseOffset, lastOffset, leaderEpoch, producer, control, timestampMs },
    get records() {
      if (body !== undefined) records = decodeRecords(body, count, baseOffset);
      body = undefined;
      return records;
    },
  };
}

/** Most records that are read have a newer one, or are removed, before anybody looks at their values: views are made then. */
class LazyRecord implements FetchedRecord {
  readonly key: string | null;
  readonly offset: number;
  readonly valueLength: number;
  readonly #reader: ByteReader;
  readonly #at: number;

  constructor(key: string | null, offset: number, valueLength: number, reader: ByteReader) {
    this.key = key;
    this.offset = offset;
    this.valueLength = valueLength;
    this.#reader = reader;
    this.#at = reader.at;
  }

  get value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.#reader.view(this.#at, this.valueLength);
  }
}

function decodeRecords(reader: ByteReader, count: number, baseOffset: number): FetchedRecord[] {
  const records: FetchedRecord[] = [];
  while (records.length < count) {
    const length = reader.varint();
    const after = reader.left - length;
    // Attributes, and the difference of its timestamp.
    reader.skip(1);
    reader.varint();
    const offset = baseOffset + reader.varint();
    const keyLength = reader.varint();
    const key = keyLength < 0 ? null : reader.text(keyLength);
    records.push(new LazyRecord(key, offset, Math.max(-1, reader.varint()), reader));
    reader.skip(reader.left - after);
  }
  return records;
}

/** Weir writes no compressed batches, but its events may come from elsewhere. */
function plain(reader: ByteReader, compression: number, baseOffset: number): ByteReader {
  if (compression === 0) return reader;
  const bytes = reader.bytes(reader.left);
  if (compression === 1) return new ByteReader(gunzipSync(bytes));
  if (compression === 4) return new ByteReader(zstdDecompressSync(bytes));
  throw new Error(`the batch at offset ${baseOffset} is compressed by snappy or lz4: use gzip, zstd or none`);
}

function bodyBytes({ key, value }: WireRecord, index: number): number {
  const field = (length: number): number => varintBytes(length) + Math.max(0, length);
  // Attributes, the difference of the timestamp and the count of headers are a byte each.
  return 3 + varintBytes(index) + field(key === null ? -1 : Buffer.byteLength(key)) + field(value?.length ?? -1);
}

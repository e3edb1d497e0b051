/**
 * CRC-32C (Castagnoli), with which Kafka protects record batches and LevelDB its records and blocks.
 * Owns the arithmetic only: eight bytes a step, about 1.5 GB/s, since Node has no native one.
 */
const polynomial = 0x82f63b78;
/** Eight tables of 256 entries, one behind the other; views read numbers without asking whether they are there. */
const tables = new DataView(buildTables().buffer);

/** CRC-32C of `bytes` from `start` to before `end`. Default: all of them. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~0;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ data.getInt32(at, true);
    const high = data.getInt32(at + 4, true);
    crc =
      entry(7, low & 0xff) ^
      entry(6, (low >>> 8) & 0xff) ^
      entry(5, (low >>> 16) & 0xff) ^
      entry(4, low >>> 24) ^
      entry(3, high & 0xff) ^
      entry(2, (high >>> 8) & 0xff) ^
      entry(1, (high >>> 16) & 0xff) ^
      entry(0, high >>> 24);
  }
  for (; at < end; at += 1) crc = entry(0, (crc ^ data.getUint8(at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function entry(table: number, byte: number): number {
  return tables.getInt32(((table << 8) | byte) << 2, true);
}

function buildTables(): Int32Array {
  const built = new Int32Array(8 * 256);
  const view = new DataView(built.buffer);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? polynomial ^ (crc >>> 1) : crc >>> 1;
    view.setInt32(byte << 2, crc, true);
  }
  for (let index = 256; index < built.length; index += 1) {
    const before = view.getInt32((index - 256) << 2, true);
    view.setInt32(index << 2, view.getInt32((before & 0xff) << 2, true) ^ (before >>> 8), true);
  }
  return built;
}

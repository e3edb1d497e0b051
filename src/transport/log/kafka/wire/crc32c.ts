/** CRC-32C (Castagnoli), with which Kafka protects record batches. Eight bytes a turn, by eight tables. */
const polynomial = 0x82f63b78;
const tables = buildTables();

export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~0;
  let at = 0;
  for (const end = bytes.length - (bytes.length % 8); at < end; at += 8) {
    const low =
      crc ^ (of(bytes, at) | (of(bytes, at + 1) << 8) | (of(bytes, at + 2) << 16) | (of(bytes, at + 3) << 24));
    crc =
      of(t7, low & 0xff) ^
      of(t6, (low >>> 8) & 0xff) ^
      of(t5, (low >>> 16) & 0xff) ^
      of(t4, low >>> 24) ^
      of(t3, of(bytes, at + 4)) ^
      of(t2, of(bytes, at + 5)) ^
      of(t1, of(bytes, at + 6)) ^
      of(t0, of(bytes, at + 7));
  }
  for (; at < bytes.length; at += 1) crc = of(t0, (crc ^ of(bytes, at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** In bounds, always; the compiler cannot know. */
function of(numbers: Uint8Array | Int32Array, at: number): number {
  return numbers[at] ?? 0;
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function buildTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? polynomial ^ (crc >>> 1) : crc >>> 1;
    return crc;
  });
  const after = (table: Int32Array): Int32Array => table.map((crc) => of(first, crc & 0xff) ^ (crc >>> 8));
  const second = after(first);
  const third = after(second);
  const fourth = after(third);
  const fifth = after(fourth);
  const sixth = after(fifth);
  const seventh = after(sixth);
  return [first, second, third, fourth, fifth, sixth, seventh, after(seventh)];
}

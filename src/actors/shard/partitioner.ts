/**
 * Which partition a key belongs to: Kafka's murmur2 over the key's bytes, so that other tools agree.
 * Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner (Apache Kafka), the algorithm by
 * Austin Appleby (public domain).
 */
const encoder = new TextEncoder();
/** Keys are short and plain nearly always: then their bytes are their characters. */
const plainBytes = new Uint8Array(256);

/** Partition of `key` among `partitions`; the same for ever, so the number of partitions of a topic is fixed. */
export function partitionOf(key: string, partitions: number): number {
  const hash = isPlain(key) ? murmur2(plainBytes, key.length) : murmur2(encoder.encode(key));
  return (hash & 0x7f_ff_ff_ff) % partitions;
}

/** Leaves the bytes of a plain key in `plainBytes`. */
function isPlain(key: string): boolean {
  const { length } = key;
  if (length > plainBytes.length) return false;
  for (let at = 0; at < length; at += 1) {
    const code = key.charCodeAt(at);
    if (code > 0x7f) return false;
    plainBytes[at] = code;
  }
  return true;
}

/** 32-bit murmur2 with Kafka's seed, of the first `length` bytes. */
export function murmur2(data: Uint8Array, length = data.length): number {
  const m = 0x5b_d1_e9_95;
  const byte = (at: number): number => data[at] ?? 0;
  let h = 0x97_47_b2_8c ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word = byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24);
    let k = Math.imul(word, m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = length & 3;
  if (rest > 0) {
    for (let i = rest - 1; i >= 0; i--) h ^= byte(whole + i) << (8 * i);
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

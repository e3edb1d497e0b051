/**
 * Which partition a key belongs to: Kafka's murmur2 over the key's bytes, so that other tools agree.
 * Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner (Apache Kafka), the algorithm by
 * Austin Appleby (public domain).
 */
const encoder = new TextEncoder();

/** Partition of `key` among `partitions`; the same for ever, so the number of partitions of a topic is fixed. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7f_ff_ff_ff) % partitions;
}

/** 32-bit murmur2 with Kafka's seed. */
export function murmur2(data: Uint8Array): number {
  const m = 0x5b_d1_e9_95;
  const length = data.length;
  let h = 0x97_47_b2_8c ^ length;
  const view = new DataView(data.buffer, data.byteOffset, length);
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(view.getInt32(i, true), m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = length & 3;
  if (rest > 0) {
    for (let i = rest - 1; i >= 0; i--) h ^= view.getUint8(whole + i) << (8 * i);
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

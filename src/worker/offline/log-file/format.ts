/**
 * The file that a log is exported to: written and read from front to back, a part at a time.
 *
 * `WEIRLOG` and a line feed; then frames: kind (1 byte), length (4 bytes, big endian), content, CRC-32 over number,
 * kind, length and content of the frame (4 bytes).
 *
 * | kind | content |
 * |---|---|
 * | `H` | JSON, first of all: format, versions, driver, incarnation, time, topics |
 * | `P` | JSON: the topic and the partition that the records after it are of |
 * | `R` | records: length of the key, length of the value (4 bytes each), key, value |
 * | `E` | JSON, last of all: totals of each topic, SHA-256 over every byte before this frame |
 *
 * The number of a frame is part of its CRC, so that one that is missing, doubled or moved is found where it is. A change
 * that older code cannot read raises the format.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';

export const fileFormat = 1;
export const magic = Buffer.from('WEIRLOG\n');
/** Larger than any that is written, so a greater length is damage. */
export const maxFrameBytes = 16 * 1_048_576;
export const headBytes = 5;
export const crcBytes = 4;

export type FrameKind = 'H' | 'P' | 'R' | 'E';

export const header = z.object({
  format: z.int(),
  version: z.string(),
  driver: z.string(),
  incarnation: z.int(),
  exportedAt: z.string(),
  topics: z.array(z.object({ name: z.string(), partitions: z.int(), kind: z.enum(['state', 'events', 'table']) })),
});
export type LogFileHeader = z.output<typeof header>;

export const partitionHead = z.object({ topic: z.string(), partition: z.int() });
export const end = z.object({
  topics: z.record(z.string(), z.object({ records: z.int(), bytes: z.int(), digest: z.string() })),
  sha256: z.string(),
});

export function crcOf(number: number, head: Uint8Array, content: Uint8Array): number {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(number));
  return crc32(content, crc32(head, crc32(place)));
}

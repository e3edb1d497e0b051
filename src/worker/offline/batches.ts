/** Records in parts of a bounded size: of a file, of a write. */
import type { LogRecord } from '../../transport/log/index.ts';

/** A part ends when it has so many bytes; a larger record is one by itself. */
const batchBytes = 1_048_576;

export function* batchesOf(records: readonly LogRecord[]): Generator<readonly LogRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, { key, value }] of records.entries()) {
    const size = key.length + (value?.byteLength ?? 0);
    if (index > start && bytes + size > batchBytes) {
      yield records.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < records.length) yield records.slice(start);
}

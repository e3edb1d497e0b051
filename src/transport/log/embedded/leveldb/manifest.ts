/**
 * Reads the edits of a LevelDB MANIFEST: which tables are live, from which write-ahead log on a recovery replays, and
 * the last sequence number known when it was written. Owns no files.
 */
import { Cursor } from './cursor.ts';

export interface Manifest {
  /** Size in bytes of each live table, by its file number. */
  readonly tables: ReadonlyMap<number, number>;
  readonly logNumber: number;
  readonly lastSequence: number;
}

/** @throws RangeError when an edit cannot be read, or none says what a recovery needs. */
export function readManifest(edits: readonly Buffer[]): Manifest {
  const tables = new Map<number, number>();
  let logNumber: number | undefined;
  let lastSequence: number | undefined;
  for (const edit of edits) {
    const cursor = new Cursor(edit);
    while (!cursor.done) {
      const tag = cursor.varint();
      switch (tag) {
        case 1: // comparator
          cursor.slice();
          break;
        case 2:
          logNumber = cursor.varint();
          break;
        case 3: // next file number
        case 9: // previous log number, not used since 2011
          cursor.varint();
          break;
        case 4:
          lastSequence = cursor.varint();
          break;
        case 5: // compaction pointer: level, key
          cursor.varint();
          cursor.slice();
          break;
        case 6: // deleted table: level, number
          cursor.varint();
          tables.delete(cursor.varint());
          break;
        case 7: {
          cursor.varint();
          const number = cursor.varint();
          tables.set(number, cursor.varint());
          cursor.slice();
          cursor.slice();
          break;
        }
        default:
          throw new RangeError(`an edit has the unknown tag ${tag}`);
      }
    }
  }
  if (logNumber === undefined || lastSequence === undefined) throw new RangeError('its first edits are missing');
  return { tables, logNumber, lastSequence };
}

/**
 * LevelDB behind the few calls that the embedded driver needs.
 *
 * Owns the open database. `write` is one atomic, synced batch. Only the group writer writes, one group at a time, and
 * after a failed write nothing else may be written: LevelDB would append behind a torn record.
 */
import { ClassicLevel } from 'classic-level';
import type { Operations } from './codec.ts';

export interface Range {
  readonly gte?: string;
  readonly gt?: string;
  readonly lt: string;
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface Store {
  /** Rejects when it is not known to be durable; the store must then be closed and opened again. */
  write(group: Operations): Promise<void>;
  read(range: Range): Promise<Array<[key: string, stored: Uint8Array]>>;
  /** Gives back the space of what was removed. Writes and reads go on meanwhile. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

export type OpenStore = (location: string) => Promise<Store>;

/** LevelDB moves its log into a table at this size; a recovery needs about twice as much free space. */
const writeBufferBytes = 8 * 1_048_576;

/** Behind every key: those of the log begin with plain letters. */
const lastKey = '\u{10ffff}';

export async function openLevelStore(location: string, bufferBytes = writeBufferBytes): Promise<Store> {
  const db = new ClassicLevel<string, Uint8Array>(location, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    // Blocks without compression can be checked without LevelDB, and cost less processor time.
    compression: false,
    writeBufferSize: bufferBytes,
  });
  await db.open();
  return {
    async write({ keys, values }) {
      const batch = db.batch();
      let at = 0;
      for (const key of keys) {
        const value = values[at++];
        if (value === null || value === undefined) batch.del(key);
        else batch.put(key, value);
      }
      await batch.write({ sync: true });
    },
    async read(range) {
      const iterator = db.iterator(range);
      try {
        return await iterator.nextv(range.limit);
      } finally {
        await iterator.close();
      }
    },
    compact: () => db.compactRange('', lastKey),
    close: () => db.close(),
  };
}

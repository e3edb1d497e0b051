/** Reads the records of one partition from the store, and what its readers share. */
import type { Clock, Logger } from '../../../ports/index.ts';
import type { ReadOptions, StoredRecord } from '../port.ts';
import { decodeValue, prefixEnd } from './codec.ts';
import type { StoreHandle } from './store-handle.ts';

/** Records in one chunk of a restore and of a tail that catches up. */
export const chunkRecords = 256;

export interface StreamSetup {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: StoreHandle;
}

/**
 * The records of the partition `prefix`, in key order or from the last one on, behind the key of `after`; in chunks, each
 * value checked.
 */
export async function* readOrdered(
  { store, directory }: Pick<StreamSetup, 'store' | 'directory'>,
  prefix: string,
  { after, under = '', backwards = false }: ReadOptions,
): AsyncGenerator<StoredRecord[]> {
  const first = prefix + under;
  let passed = after === undefined ? undefined : prefix + after;
  for (;;) {
    const behind = passed === undefined || backwards ? { gte: first } : { gt: passed };
    const lt = backwards && passed !== undefined ? passed : prefixEnd(first);
    const entries = await store.read({ ...behind, lt, limit: chunkRecords, reverse: backwards });
    const last = entries.at(-1);
    if (last === undefined) return;
    passed = last[0];
    yield entries.map(([stored, bytes]) => {
      const key = stored.slice(prefix.length);
      return { key, value: decodeValue(directory, stored, bytes), position: key };
    });
  }
}

/** All records under `prefix`, in key order, in chunks, each value checked. */
export async function* readPrefix(
  { store, directory }: Pick<StreamSetup, 'store' | 'directory'>,
  prefix: string,
): AsyncGenerator<Array<{ key: string; value: Uint8Array }>> {
  const lt = prefixEnd(prefix);
  // Each chunk seeks anew, so that a store that is opened again in between goes unnoticed.
  let from: { gte: string } | { gt: string } = { gte: prefix };
  for (;;) {
    const entries = await store.read({ ...from, lt, limit: chunkRecords });
    const last = entries.at(-1);
    if (last === undefined) return;
    from = { gt: last[0] };
    yield entries.map(([key, stored]) => ({
      key: key.slice(prefix.length),
      value: decodeValue(directory, key, stored),
    }));
  }
}

/**
 * The store of the embedded log on a disk that fails, as an injector says: full, slow, writes that are made and fail all
 * the same, writes that are cut in the middle by the death of the process.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenStore, partitionPrefix, type Store } from '../transport/log/index.ts';
import type { FaultInjector } from './injector.ts';
import type { Shard } from './target.ts';

/** How the store is opened, with the faults of this worker. The driver's own recovery runs on it. */
export function faultyStore(open: OpenStore, injector: FaultInjector): OpenStore {
  injector.attach({ writes: ['crash', 'slow', 'lost-ack', 'torn-write', 'full-disk'] });
  const { clock, process } = injector;
  return async (location) => {
    const store = await open(location);
    const die = (): Promise<never> => {
      process.crash();
      // Nobody hears of the write any more.
      return new Promise<never>(() => undefined);
    };
    const write: Store['write'] = async (group) => {
      const { what, delayMs } = injector.fateOfWrite((shard) => group.keys.some((key) => isOf(key, shard)));
      if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
      switch (what) {
        case 'crash-before':
          return die();
        case 'full-disk':
          throw new Error('ENOSPC: no space left on device (chaos)');
        case 'torn-write': {
          const before = newestLog(location);
          await store.write(group);
          tear(location, before);
          return die();
        }
      }
      await store.write(group);
      if (what === 'crash-after') return die();
      if (what === 'lost-ack') throw new Error('EIO: the disk did not acknowledge a write (chaos)');
    };
    return { write, read: (range) => store.read(range), compact: () => store.compact(), close: () => store.close() };
  };
}

function isOf(key: string, { topic, partition }: Shard): boolean {
  if (topic !== undefined) return key.startsWith(partitionPrefix(topic, partition));
  const end = key.indexOf('/') + 1;
  return end > 0 && key.startsWith(partitionPrefix(key.slice(0, end - 1), partition));
}

interface LogFile {
  readonly name: string;
  readonly size: number;
}

/** The write-ahead log that LevelDB appends to. */
function newestLog(location: string): LogFile {
  const name = readdirSync(location)
    .filter((file) => file.endsWith('.log'))
    .sort()
    .at(-1);
  return name === undefined ? { name: '', size: 0 } : { name, size: statSync(join(location, name)).size };
}

/** Leaves the first half of what was written since `before`: never less, or it would take from what is acknowledged. */
function tear(location: string, before: LogFile): void {
  const { name, size } = newestLog(location);
  const start = name === before.name ? before.size : 0;
  truncateSync(join(location, name), start + Math.floor((size - start) / 2));
}

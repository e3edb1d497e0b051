/** One start on a directory full of suspended flows, in a fresh process; the heap before it is that of an empty node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type SuspendedRun, withShard } from './suspended.ts';

export async function measure({
  data,
  flows,
}: {
  readonly data: string;
  readonly flows: number;
}): Promise<SuspendedRun> {
  const empty = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const bytesOfNone = await withShard(empty, () => usedBytes());
  await rm(empty, { recursive: true, force: true });
  return withShard(data, async ({ openMs, restoreMs, readyMs }) => {
    const bytes = await usedBytes();
    const heapBytesPerFlow =
      bytes === undefined || bytesOfNone === undefined ? undefined : (bytes - bytesOfNone) / flows;
    return { openMs, restoreMs, readyMs, heapBytesPerFlow };
  });
}

/** Bytes of live objects and buffers; undefined without `--expose-gc`. */
async function usedBytes(): Promise<number | undefined> {
  if (globalThis.gc === undefined) return undefined;
  // Buffers of the store leave behind the objects that held them.
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

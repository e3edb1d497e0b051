/** One start on a directory full of suspended flows, in a fresh process; the heap before it is that of an empty node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SuspendedRun, withShard } from './suspended.ts';

export async function measure({
  data,
  flows,
}: {
  readonly data: string;
  readonly flows: number;
}): Promise<SuspendedRun> {
  const empty = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const bytesOfNone = await withShard(empty, async () => usedBytes());
  await rm(empty, { recursive: true, force: true });
  return withShard(data, async ({ openMs, restoreMs, readyMs }) => {
    const bytes = usedBytes();
    const heapBytesPerFlow =
      bytes === undefined || bytesOfNone === undefined ? undefined : (bytes - bytesOfNone) / flows;
    return { openMs, restoreMs, readyMs, heapBytesPerFlow };
  });
}

/** Bytes of live objects and buffers; undefined without `--expose-gc`. */
function usedBytes(): number | undefined {
  if (globalThis.gc === undefined) return undefined;
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

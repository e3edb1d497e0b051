/** One start on a directory full of suspended flows, in a fresh process; the heap before it is that of an empty node. */
import { usedBytes, withDirectory, withNodeOn } from './bench-node.ts';
import { type RestoreRun, sleepersIn } from './suspended.ts';

export interface RestoreSettings {
  readonly data: string;
  readonly flows: number;
}

export async function measure({ data, flows }: RestoreSettings): Promise<RestoreRun> {
  const bytesOfNone = await withDirectory((empty) => withNodeOn(sleepersIn(empty), () => usedBytes()));
  return withNodeOn(sleepersIn(data), async ({ openMs, restoreMs, readyMs, readyCpuMs }) => {
    const bytes = await usedBytes();
    const bytesPerFlow = bytes === undefined || bytesOfNone === undefined ? undefined : (bytes - bytesOfNone) / flows;
    return { openMs, restoreMs, readyMs, readyCpuMs, bytesPerFlow };
  });
}

import { setImmediate } from 'node:timers/promises';
import { queryObjects } from 'node:v8';

class Nothing {}

/** Resolves when all garbage of this process is collected; what was looked at in this turn is garbage only after it. */
export async function collected(): Promise<void> {
  await setImmediate();
  // It collects before it counts.
  queryObjects(Nothing, { format: 'count' });
}

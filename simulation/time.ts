/** Time inside the steps of simulated flows. */
import type { World } from 'weir/testing';

/** Resolves with `value` after `ms` of the process that asks; never, when that dies before. */
export function takesTime<Value>(world: World, ms: number, value: Value): Promise<Value> {
  const process = world.scheduler.current;
  if (process === undefined) throw new Error('a step runs in a simulated process');
  return new Promise((resolve) => void process.after(ms, () => resolve(value)));
}

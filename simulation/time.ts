/** Time in simulated worlds: inside the steps of flows, and for clients that wait for something. */
import type { World } from 'weir/testing';

/** Resolves with `value` after `ms` of the process that asks; never, when that dies before. */
export function takesTime<Value>(world: World, ms: number, value: Value): Promise<Value> {
  const process = world.scheduler.current;
  if (process === undefined) throw new Error('a step runs in a simulated process');
  return new Promise((resolve) => void process.after(ms, () => resolve(value)));
}

const firstPauseMs = 100;
const longestPauseMs = 20_000;

/** Asks, ever less often, until `ask` gives something; a client outside every worker. */
export async function until<Value>(world: World, ask: () => Promise<Value | undefined>): Promise<Value> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const value = await ask();
    if (value !== undefined) return value;
    await pause(world, pauseMs);
  }
}

/** A client waits. */
export function pause(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => void world.outside.after(ms, resolve));
}

/** Tells the invariants that the body of a step begins. */
export function stepBegins(world: World, id: string): void {
  const [node = '', worker = ''] = world.scheduler.current?.name.split('/') ?? [];
  world.observe(node, worker, { type: 'note', what: 'step', text: id });
}

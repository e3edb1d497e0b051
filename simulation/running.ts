/**
 * The world that runs. Flows of workloads are made once for a process: a schema is compiled when it is first used, and
 * what is made anew for each world keeps that world in memory long after its end. So the bodies of their steps ask here.
 *
 * A process runs one world at a time.
 */
import type { World } from 'weir/testing';

let running: World | undefined;

/** From now on `theWorld` is this one; undefined when a run is prepared, and has not begun. */
export function nowRuns(world: World | undefined): void {
  running = world;
}

/** The world that runs. */
export function theWorld(): World {
  if (running === undefined) throw new Error('the world has not been started');
  return running;
}

/** Something of which each world has its own. */
export function ofEachWorld<Value>(make: () => Value): () => Value {
  const made = new WeakMap<World, { readonly value: Value }>();
  return () => {
    const world = theWorld();
    let own = made.get(world);
    if (own === undefined) {
      own = { value: make() };
      made.set(world, own);
    }
    return own.value;
  };
}

/** Lives of actors: what spawning, keeping and stopping them costs, in time and memory. */
import { performance } from 'node:perf_hooks';
import type { ActorContext, ActorSystem, Behavior, Ref } from '../src/actors/kernel/index.ts';
import type { Measurement } from './figures.ts';

const children = 100_000;
const treeSize = 10_000;
const lives = 1_000_000;
/** Actors of the million that live at one time. */
const generation = 10_000;

type Answering = { readonly replyTo: Ref<number> };

const answering: Behavior<Answering> = () => ({ message: ({ replyTo }) => void replyTo.tell(1) });

export async function livesBench(newSystem: () => ActorSystem): Promise<Measurement[]> {
  return [...(await manyChildren(newSystem)), await stopTree(newSystem), ...(await millionLives(newSystem))];
}

/** An actor that only has children, and a way to let it spawn them. */
async function parentIn(system: ActorSystem): Promise<ActorContext<never>> {
  return new Promise((resolve) => {
    system.spawn<never>('parent', (context) => {
      resolve(context);
      return { message: () => undefined };
    });
  });
}

/** All have started when the last one answers. */
async function started(system: ActorSystem, refs: readonly Ref<Answering>[]): Promise<void> {
  const last = refs.at(-1);
  if (last !== undefined) {
    await system.ask(last, (replyTo: Ref<number>) => ({ replyTo }), { withinMs: 60_000 });
  }
}

async function manyChildren(newSystem: () => ActorSystem): Promise<Measurement[]> {
  let fastest = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (let round = 0; round < 3; round += 1) {
    const system = newSystem();
    const parent = await parentIn(system);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    const refs = Array.from({ length: children }, (_, n) => parent.spawn(`child-${n}`, answering));
    await started(system, refs);
    fastest = Math.min(fastest, performance.now() - start);
    globalThis.gc?.();
    // The largest: garbage of an earlier round that goes only now would make the actors look smaller.
    bytes = Math.max(bytes, (process.memoryUsage().heapUsed - before) / refs.length);
    await system.terminate();
  }
  const each = Math.round((fastest / children) * 10_000) / 10;
  const spawned = { name: 'kernel: spawn and start, 100,000 children of one', value: each, unit: 'us' };
  if (globalThis.gc === undefined) return [spawned];
  return [spawned, { name: 'kernel: idle actor, 100,000 children of one', value: Math.round(bytes), unit: 'bytes' }];
}

/** A hundred parents with ninety-nine children each. */
async function stopTree(newSystem: () => ActorSystem): Promise<Measurement> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const system = newSystem();
    let left = treeSize;
    const { promise, resolve } = Promise.withResolvers<void>();
    const node = (below: number): Behavior<never> => {
      return (context) => {
        for (let n = 0; n < below; n += 1) context.spawn<never>(`child-${n}`, node(0));
        left -= 1;
        if (left === 0) resolve();
        return { message: () => undefined };
      };
    };
    for (let n = 0; n < 100; n += 1) system.spawn<never>(`parent-${n}`, node(99));
    await promise;
    const start = performance.now();
    await system.terminate();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return { name: 'kernel: stop a tree of 10,000', value: Math.round(fastest * 10) / 10, unit: 'ms' };
}

/** Growth of the heap over a million lives, after as many as one generation have been. */
async function millionLives(newSystem: () => ActorSystem): Promise<Measurement[]> {
  const system = newSystem();
  const parent = await parentIn(system);
  const live = async (count: number): Promise<void> => {
    for (let lived = 0; lived < count; lived += generation) {
      const refs = Array.from({ length: generation }, (_, n) => parent.spawn(`life-${n}`, answering));
      await started(system, refs);
      await Promise.all(refs.map((ref) => parent.stop(ref)));
    }
  };
  await live(5 * generation);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  await live(lives);
  const each = Math.round(((performance.now() - start) / lives) * 10_000) / 10;
  globalThis.gc?.();
  const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  await system.terminate();
  const lived = { name: 'kernel: spawn, answer and stop, a million', value: each, unit: 'us' };
  if (globalThis.gc === undefined) return [lived];
  return [lived, { name: 'kernel: heap grown by these', value: Math.round(grown * 10) / 10, unit: 'MiB' }];
}

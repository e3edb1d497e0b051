/** A node of a part of the bench: on a directory, with the settings that the part is about, and marks of its start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { type AnyFlow, silentLogger } from '../src/index.ts';
import { type Clock, systemClock, systemRandom } from '../src/ports/index.ts';
import { type Log, openEmbeddedLog } from '../src/transport/log/index.ts';
import { loopbackTransport } from '../src/transport/peer/index.ts';
import { createNode } from '../src/worker/node.ts';
import type { Node } from '../src/worker/node-parts.ts';
import type { NodeSettings } from '../src/worker/node-settings.ts';
import { usage } from './load.ts';

export interface BenchNodeSettings extends Omit<NodeSettings, 'members' | 'flows'> {
  readonly data: string;
  readonly flows: readonly AnyFlow[];
  /** How far the node's clock is ahead, in milliseconds. Default 0. */
  readonly aheadMs?: number;
  /** Stands between the node and its log. Default: nothing does. */
  readonly watched?: (log: Log) => Log;
}

export interface Started {
  readonly node: Node;
  /** Opening the log, which reads and checks every table. */
  readonly openMs: number;
  /** From the claim of the first shard until it has all flows and their timers again. */
  readonly restoreMs: number;
  /** From the beginning of the start to a node that is ready. */
  readonly readyMs: number;
  /** Processor time that the start has used, in milliseconds. */
  readonly readyCpuMs: number;
  /** When the first shard had its flows again, as `performance.now` counts. */
  readonly restoredAt: number;
}

/** Runs `run` on a node of the member BENCH, and stops it. */
export async function withNodeOn<T>(settings: BenchNodeSettings, run: (started: Started) => Promise<T>): Promise<T> {
  const { data, flows, aheadMs = 0, watched = (log) => log, ...rest } = settings;
  const real = systemClock();
  const clock: Clock = { ...real, now: () => real.now() + aheadMs };
  const random = systemRandom();
  const marks = new Map<string, number>();
  const begin = performance.now();
  const { cpuMs } = usage();
  const log = await openEmbeddedLog({ directory: data, clock, logger: silentLogger });
  const openMs = performance.now() - begin;
  const node = await createNode(
    { members: { BENCH: { flows } }, ...rest },
    { log: watched(log), clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
    undefined,
    { crashPoint: (point) => void marks.set(point, marks.get(point) ?? performance.now()) },
  );
  const readyMs = performance.now() - begin;
  const readyCpuMs = usage().cpuMs - cpuMs;
  const restoredAt = marks.get('restored') ?? 0;
  try {
    const restoreMs = restoredAt - (marks.get('claimed') ?? 0);
    return await run({ node, openMs, restoreMs, readyMs, readyCpuMs, restoredAt });
  } finally {
    await node.stop();
  }
}

/** Runs `run` with a directory of its own, which is gone afterwards. */
export async function withDirectory<T>(run: (data: string) => Promise<T>): Promise<T> {
  const data = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    return await run(data);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

/** What the actors of a node show under a name in the tree, in sum. */
export function factsOf(node: Node, name: string): number {
  const sum = (actors: ReturnType<Node['tree']>): number =>
    actors.reduce((all, { facts, children }) => all + Number(facts?.[name] ?? 0) + sum(children), 0);
  return sum(node.tree());
}

/** Bytes of live objects and buffers; undefined without `--expose-gc`. */
export async function usedBytes(): Promise<number | undefined> {
  if (globalThis.gc === undefined) return undefined;
  // Buffers of the store leave behind the objects that held them.
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * A whole node in memory, on a clock that the test moves: one or several workers over one log, whose shards can be
 * moved, and which can be crashed at named points and started again.
 */

import type { CrashPoint } from '../actors/shard/index.ts';
import { type Duration, type Logger, type Random, seededRandom, silentLogger } from '../ports/index.ts';
import { type Faults, type MemoryCluster, memoryCluster } from '../transport/log/index.ts';
import { loopbackTransport, type PeerFaults, type PeerTransport } from '../transport/peer/index.ts';
import { createNode, type Node, type NodeSettings } from '../worker/index.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

export type { CrashPoint, PeerFaults };

export interface TestNodeSettings extends NodeSettings {
  /** Everything random follows from it. Default 1. */
  readonly seed?: number;
  /** Workers that share the shards. Default 1. */
  readonly workers?: number;
  /** What happens to messages between members: odds of loss, repetition, overtaking. Default none. */
  readonly peerFaults?: PeerFaults;
  /** What happens to commits and appends. Default nothing. */
  readonly logFaults?: Faults;
  /** Sends every message between shards through the log, as between workers. Default false. */
  readonly forceLogRoute?: boolean;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Called at each crash point; answer true to crash the worker there. */
  readonly crashAt?: (point: CrashPoint, worker: number, partition: number) => boolean;
}

export interface TestNode {
  /** The node of a worker (default the first); after `restart`, the new one. Throws when the worker is down. */
  node(worker?: number): Node;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly cluster: MemoryCluster;
  /** Crashes so far. */
  readonly crashes: number;
  /** Moves time forward, letting everything run that is ready. */
  advance(duration: Duration): Promise<void>;
  /** Kills a worker as SIGKILL would: nothing it was doing has any further effect. */
  crash(worker?: number): void;
  isDown(worker?: number): boolean;
  /** Resolves at the next crash of a worker. */
  crashed(worker?: number): Promise<void>;
  /** Starts a crashed worker again, on the same log. */
  restart(worker?: number): Promise<Node>;
  /** Moves a shard to another worker; `rude` moves it without a word to its owner. */
  move(partition: number, worker: number, options?: { readonly rude?: boolean }): Promise<void>;
  /** The worker that a shard is assigned to; undefined for none. */
  ownerOf(partition: number): number | undefined;
  /** Stops all workers gracefully. */
  stop(): Promise<void>;
}

interface Slot {
  node: Node | undefined;
  peer: PeerTransport | undefined;
  onCrash: Array<() => void>;
}

const group = 'flow';

/** Starts a node in memory; it is ready when this resolves. */
export async function testNode(settings: TestNodeSettings): Promise<TestNode> {
  const { seed = 1, workers = 1, peerFaults, logFaults, forceLogRoute, logger = silentLogger, crashAt } = settings;
  const clock = virtualClock();
  const random = seededRandom(seed);
  const cluster = memoryCluster({ clock, random, ...(logFaults === undefined ? {} : { faults: logFaults }) });
  const slots: Slot[] = Array.from({ length: workers }, () => ({ node: undefined, peer: undefined, onCrash: [] }));
  let crashes = 0;

  const slot = (worker: number): Slot => {
    const found = slots[worker];
    if (found === undefined) throw new RangeError(`there is no worker ${worker}`);
    return found;
  };
  const nameOf = (worker: number): string => `worker-${worker}`;

  const bury = (worker: number): void => {
    const { node, peer, onCrash } = slot(worker);
    slot(worker).node = undefined;
    slot(worker).onCrash = [];
    crashes++;
    peer?.close();
    // Its actors end without effect: the log does not hear them any more.
    void node?.internals.system.terminate();
    for (const listener of onCrash) listener();
  };
  cluster.onCrash((name) => bury(Number(name.slice('worker-'.length))));

  const start = async (worker: number): Promise<Node> => {
    const log = cluster.worker(nameOf(worker));
    const peer = loopbackTransport({ clock, random, faults: peerFaults });
    const at = slot(worker);
    at.peer = peer;
    let alive = true;
    const died = new Promise<never>((_resolve, reject) => {
      at.onCrash.push(() => {
        alive = false;
        reject(new Error(`worker ${worker} crashed while it started`));
      });
    });
    died.catch(() => undefined);
    const starting = createNode(settings, { log, clock, random, logger, peer }, undefined, {
      forceLogRoute,
      crashPoint: (point, partition) => {
        if (alive && crashAt?.(point, worker, partition) === true) cluster.crash(nameOf(worker));
      },
    });
    const node = await Promise.race([starting, died]);
    at.node = node;
    return node;
  };

  const kit: TestNode = {
    node(worker = 0) {
      const { node } = slot(worker);
      if (node === undefined) throw new Error(`worker ${worker} is down`);
      return node;
    },
    clock,
    random,
    cluster,
    get crashes() {
      return crashes;
    },
    advance: (duration) => clock.advance(duration),
    crash: (worker = 0) => cluster.crash(nameOf(worker)),
    isDown: (worker = 0) => slot(worker).node === undefined,
    crashed: (worker = 0) => new Promise((resolve) => void slot(worker).onCrash.push(resolve)),
    restart: (worker = 0) => start(worker),
    move: (partition, worker, options) => cluster.move(group, partition, nameOf(worker), options),
    ownerOf(partition) {
      const name = cluster.owners(group)[partition];
      return name === undefined ? undefined : Number(name.slice('worker-'.length));
    },
    async stop() {
      for (const { node } of slots) await node?.stop();
    },
  };
  await Promise.all(slots.map((_slot, worker) => start(worker)));
  return kit;
}

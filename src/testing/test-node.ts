/**
 * A whole node in memory, on a clock that the test moves: one or several workers over one log, whose shards can be
 * moved, and which can be crashed at named points and started again.
 */

import type { CrashPoint } from '../actors/shard/index.ts';
import { WeirError } from '../errors/index.ts';
import { type Duration, type Logger, type Random, seededRandom, silentLogger, toMs } from '../ports/index.ts';
import { type Faults, type MemoryCluster, memoryCluster } from '../transport/log/index.ts';
import { loopbackTransport, type PeerFaults, type PeerTransport } from '../transport/peer/index.ts';
import { createNode, type FlowHandle, type Node, type NodeSettings, resultOf } from '../worker/index.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

export interface TestNodeSettings extends NodeSettings {
  /** Everything random follows from it: the same seed gives the same run. Default 1. */
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
  /**
   * Called at each crash point, such as `commit.before`; answer true to crash the worker there. It is down until
   * `restart`.
   */
  readonly crashAt?: (point: CrashPoint, worker: number, partition: number) => boolean;
}

export interface RunOptions {
  /** The most time to let pass, in the node's own time: none of it passes outside. Default 1 hour. */
  readonly within?: Duration;
}

export interface TestNode {
  /**
   * The node of a worker (default the first); after `restart`, the new one.
   * @throws WeirError `WEIR_NODE_STOPPED` when the worker is down, RangeError when there is none of this number
   */
  node(worker?: number): Node;
  readonly clock: VirtualClock;
  readonly random: Random;
  /** The log that all workers share, and what can be done to them there. */
  readonly cluster: MemoryCluster;
  /** Crashes so far. */
  readonly crashes: number;
  /**
   * Moves time forward until the flow has ended or is STUCK, no further than from one timer to the next, and gives its
   * result. The handle may be of a node that has crashed since: whatever worker is up is asked.
   * @throws ApplicationError with the flow's own code, message and details when it FAILED or was KILLED;
   *   WeirError `WEIR_FLOW_UNFINISHED` when it is STUCK, or still running after `within`; `WEIR_NODE_STOPPED` when all
   *   workers are down; `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_REQUEST_INVALID`, `WEIR_CLOCK_RESTLESS`,
   *   `WEIR_DURATION_INVALID`
   */
  run<Result>(handle: FlowHandle<Result>, options?: RunOptions): Promise<Result>;
  /**
   * Moves time forward, letting everything run that is ready.
   * @throws WeirError `WEIR_CLOCK_RESTLESS`, `WEIR_DURATION_INVALID`
   */
  advance(duration: Duration): Promise<void>;
  /** Kills a worker as SIGKILL would: nothing it was doing has any further effect. */
  crash(worker?: number): void;
  isDown(worker?: number): boolean;
  /** Resolves at the next crash of a worker. */
  crashed(worker?: number): Promise<void>;
  /** Starts a crashed worker again, on the same log. @throws Error when it crashes while it starts */
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

/**
 * Starts a node in memory; it is ready when this resolves. Time stands still until the test moves it.
 *
 * ```ts
 * const kit = await testNode({ members: { ACME: { flows: [buy] }, SELLER: { flows: [sell] } } });
 * const purchase = await kit.node().start('ACME', buy, { seller: 'SELLER', item: 'a chair', price: 90n });
 * expect(await kit.run(purchase)).toEqual({ delivery: 'on Friday' });
 * await kit.stop();
 * ```
 * @throws WeirError `WEIR_CONFIGURATION_INVALID`, `WEIR_FLOW_DEFINITION`, `WEIR_START_TIMEOUT`
 */
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
    node?.internals.abandon();
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
      if (node === undefined) throw new WeirError('WEIR_NODE_STOPPED', {}, new Error(`worker ${worker} is down`));
      return node;
    },
    clock,
    random,
    cluster,
    get crashes() {
      return crashes;
    },
    async run<Result>({ flow, name }: FlowHandle<Result>, { within = '1 hour' }: RunOptions = {}): Promise<Result> {
      const end = clock.monotonic() + toMs(within);
      for (;;) {
        await clock.advance(0);
        const up = slots.find(({ node }) => node !== undefined)?.node;
        if (up === undefined) {
          throw new WeirError('WEIR_NODE_STOPPED', {}, new Error('all workers are down: restart one'));
        }
        const view = await up.get(name);
        if (view.status !== 'RUNNING') return resultOf(flow, view);
        const left = end - clock.monotonic();
        if (left <= 0) {
          const { waitingOn } = await up.describe(name);
          const on =
            waitingOn === undefined ? '' : `, where it waits on ${waitingOn.what} ${waitingOn.label}`.trimEnd();
          throw new WeirError('WEIR_FLOW_UNFINISHED', {
            flowId: view.flowId,
            status: view.status,
            why: ` after ${within} in stage ${view.stage}${on}`,
          });
        }
        // Timers may stand between two milliseconds; a step of 0 would go nowhere.
        await clock.advance(Math.max(1, Math.ceil(Math.min(left, clock.untilNext() ?? left))));
      }
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

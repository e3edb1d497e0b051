/**
 * A whole node in memory, on a clock that the test moves: one or several workers over one log, whose shards can be
 * moved, and which can be crashed at named points and started again.
 */

import type { FlowView } from '../actors/rpc/index.ts';
import type { CrashPoint } from '../actors/shard/index.ts';
import { type ActiveFault, type Fault, type FaultInjector, memoryFaults } from '../chaos/index.ts';
import { WeirError } from '../errors/index.ts';
import {
  type Duration,
  defaultGroup,
  type Identity,
  identityOf,
  type Logger,
  type MemberName,
  type Random,
  sameIdentity,
  seededRandom,
} from '../ports/index.ts';
import {
  type Fate,
  type Faults,
  type MemoryCluster,
  type MemoryClusterSetup,
  memoryCluster,
} from '../transport/log/index.ts';
import { loopbackTransport, type PeerFaults, type PeerTransport } from '../transport/peer/index.ts';
import { createNode, type FlowHandle, type Members, type Node, type NodeSettings, resultOf } from '../worker/index.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { mortalClock } from './mortal-clock.ts';
import { PeerScripts } from './peer-scripts.ts';
import { type ScriptedMember, scriptedMember } from './scripted-member.ts';
import { type WorkerChaos, workerChaos } from './test-chaos.ts';
import { until } from './until.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';
import { type CommitListener, watchedCommits } from './watched-commits.ts';

export interface TestNodeSettings extends NodeSettings {
  /** Everything random follows from it: the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Wall clock at the start, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
  /** Workers that share the shards. Default 1. */
  readonly workers?: number;
  /** What happens to messages between members: odds of loss, repetition, overtaking. Default none. */
  readonly peerFaults?: PeerFaults;
  /** What happens to commits and appends. Default nothing. */
  readonly logFaults?: Faults;
  /** Sends every message between shards through the log, as between workers. Default false. */
  readonly forceLogRoute?: boolean;
  /** Gets every line, beside the log that the kit keeps. Default none. */
  readonly logger?: Logger;
  /** Members that run nothing here: the test says what they say, see `scripted`. */
  readonly scripted?: readonly MemberName[];
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
  /** What the workers have logged; `kit.log.show()` prints it. */
  readonly log: CapturedLog;
  /** Crashes so far. */
  readonly crashes: number;
  /** Runs a test, and shows the log only when it fails. */
  showLogOnFailure<T>(run: () => T | Promise<T>): Promise<T>;
  /** A member of `settings.scripted`, to speak for it. @throws RangeError when it is none */
  scripted(member: MemberName): ScriptedMember;
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
  /**
   * Lets a fault strike a worker, by its name: `inject({ type: 'lost-ack', on: 'shard 0', times: 2 })`. It outlives a
   * crash of the worker.
   * @throws WeirError `WEIR_FAULT_INVALID`; `WEIR_FAULT_UNREACHABLE` when nothing of a node in memory could be struck
   */
  inject(fault: Fault, worker?: number): ActiveFault;
  /** What strikes a worker, how often it has, and how to end it. */
  chaos(worker?: number): FaultInjector;
  /** Kills a worker as SIGKILL would: nothing it was doing has any further effect. */
  crash(worker?: number): void;
  isDown(worker?: number): boolean;
  /** Resolves at the next crash of a worker. */
  crashed(worker?: number): Promise<void>;
  /**
   * Starts a worker again that has crashed or was stopped, on the same log. With `changes` it has other settings from
   * now on, such as newer flows: the workers of one test may run different versions.
   * @throws Error when it crashes while it starts
   */
  restart(worker?: number, changes?: Partial<NodeSettings>): Promise<Node>;
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
  settings: NodeSettings;
  readonly chaos: WorkerChaos;
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
 * @throws WeirError `WEIR_CONFIGURATION_INVALID`, `WEIR_CONFIGURATION_WINDOWS`, `WEIR_FLOW_DEFINITION`, `WEIR_START_TIMEOUT`
 */
export function testNode(settings: TestNodeSettings): Promise<TestNode> {
  return testNodeOn(settings);
}

/** What the project's own kits need beside the settings. */
export interface TestNodeParts {
  /** In place of the stream that the seed gives. */
  readonly random?: Random;
  /** Told of each commit of a worker once it is durable, before the worker is. */
  readonly onCommit?: CommitListener;
  /** In place of a clock of its own: whoever starts the node can move time while it starts. */
  readonly clock?: VirtualClock;
  /** The workers' shared log. Default: the memory cluster. */
  readonly cluster?: (setup: MemoryClusterSetup) => MemoryCluster;
}

/** A test node whose scripted members are at hand as they are on the wire. */
export interface ScriptedTestNode extends TestNode {
  readonly scripts: PeerScripts;
}

export async function testNodeOn(settings: TestNodeSettings, parts: TestNodeParts = {}): Promise<ScriptedTestNode> {
  const { seed = 1, start: startsAt, workers = 1, peerFaults, logFaults, forceLogRoute, logger, crashAt } = settings;
  const { random = seededRandom(seed), onCommit, cluster: makeCluster = memoryCluster } = parts;
  const { clock = virtualClock(startsAt === undefined ? {} : { start: startsAt }) } = parts;
  const log = capturedLog({ clock, ...(logger === undefined ? {} : { forward: logger }) });
  const members = (settings.scripted ?? []).map(identityOf);
  const scripts = new PeerScripts({ clock, random, faults: peerFaults, members });
  const settingsOf = (changes: Partial<NodeSettings>): NodeSettings => {
    const changed = { replayCheck: true, deathsAlone: 1_000, containment: 'off' as const, ...settings, ...changes };
    return { ...changed, members: withMembers(changed.members, members) };
  };
  const nameOf = (worker: number): string => `worker-${worker}`;
  const slots: Slot[] = Array.from({ length: workers }, (_, worker) => ({
    node: undefined,
    peer: undefined,
    settings: settingsOf({}),
    chaos: workerChaos({ clock, seed: seed + worker, name: nameOf(worker), cluster: () => cluster }),
    onCrash: [],
  }));
  const named = memoryFaults((name) => slots[Number(name.slice('worker-'.length))]?.chaos.injector);
  const cluster = makeCluster({
    clock,
    random,
    faults: logFaults === undefined ? named : bothFaults(logFaults, named),
  });
  let crashes = 0;

  const slot = (worker: number): Slot => {
    const found = slots[worker];
    if (found === undefined) throw new RangeError(`there is no worker ${worker}`);
    return found;
  };
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
    const at = slot(worker);
    const shared = cluster.worker(nameOf(worker));
    const ports = at.chaos.ports({
      log: onCommit === undefined ? shared : watchedCommits(shared, onCommit),
      peer: scripts.wrap(loopbackTransport({ clock, random, faults: peerFaults })),
      logger: log.logger,
    });
    at.peer = ports.peer;
    const clockOfLife = mortalClock(ports.clock);
    let alive = true;
    const died = new Promise<never>((_resolve, reject) => {
      at.onCrash.push(() => {
        alive = false;
        clockOfLife.end();
        reject(new Error(`worker ${worker} crashed while it started`));
      });
    });
    died.catch(() => undefined);
    const starting = createNode(at.settings, { ...ports, clock: clockOfLife, random, logger: log.logger }, undefined, {
      forceLogRoute,
      crashPoint: (point, partition) => {
        if (alive && crashAt?.(point, worker, partition) === true) cluster.crash(nameOf(worker));
      },
    });
    const node = await Promise.race([starting, died]);
    at.node = node;
    at.chaos.injector.attach({ actors: node.internals.system.steer });
    return node;
  };

  const kit: ScriptedTestNode = {
    scripts,
    node(worker = 0) {
      const { node } = slot(worker);
      if (node === undefined) throw new WeirError('WEIR_NODE_STOPPED', {}, new Error(`worker ${worker} is down`));
      return node;
    },
    clock,
    random,
    cluster,
    log,
    get crashes() {
      return crashes;
    },
    showLogOnFailure: (run) => log.showOnFailure(run),
    scripted(member) {
      const identity = members.find((one) => sameIdentity(one, identityOf(member)));
      if (identity === undefined)
        throw new RangeError(`${identityOf(member).name} is not in "scripted" of the settings`);
      return scriptedMember(identity, scripts, clock);
    },
    async run<Result>({ flow, name }: FlowHandle<Result>, { within = '1 hour' }: RunOptions = {}): Promise<Result> {
      const up = (): Node => {
        const found = slots.find(({ node }) => node !== undefined)?.node;
        if (found !== undefined) return found;
        throw new WeirError('WEIR_NODE_STOPPED', {}, new Error('all workers are down: restart one'));
      };
      // Asked once of each node: a question at every step would set a timer for the next step to stop at.
      let asked: { readonly node: Node; readonly answer: () => FlowView | undefined } | undefined;
      const settled = await until(clock, within, async () => {
        const node = up();
        if (asked?.node !== node) {
          asked = { node, answer: settling(node.settled(name, { within })) };
          // A flow that has settled already is told of at once.
          await clock.advance(0);
        }
        const view = asked.answer();
        return view?.status === 'RUNNING' ? undefined : view;
      });
      if (settled !== undefined) return resultOf(flow, settled);
      const { flowId, status, stage, waitingOn } = await up().describe(name);
      const on = waitingOn === undefined ? '' : `, where it waits on ${waitingOn.what} ${waitingOn.label}`.trimEnd();
      throw new WeirError('WEIR_FLOW_UNFINISHED', { flowId, status, why: ` after ${within} in stage ${stage}${on}` });
    },
    advance: (duration) => clock.advance(duration),
    inject: (fault, worker = 0) => slot(worker).chaos.injector.inject(fault),
    chaos: (worker = 0) => slot(worker).chaos.injector,
    crash: (worker = 0) => cluster.crash(nameOf(worker)),
    isDown: (worker = 0) => slot(worker).node === undefined,
    crashed: (worker = 0) => new Promise((resolve) => void slot(worker).onCrash.push(resolve)),
    restart(worker = 0, changes) {
      if (changes !== undefined) slot(worker).settings = settingsOf(changes);
      return start(worker);
    },
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

/** What a promise has settled with, so far. */
function settling<T>(promise: Promise<T>): () => T | undefined {
  let answer: () => T | undefined = () => undefined;
  promise.then(
    (value) => {
      answer = () => value;
    },
    (error: unknown) => {
      answer = () => {
        throw error;
      };
    },
  );
  return () => answer();
}

/** What the test says of a request goes before what was injected by name. */
function bothFaults(own: Faults, named: Faults): Faults {
  const first = (fate: Fate | undefined, other: () => Fate | undefined): Fate =>
    fate === undefined || fate === 'ok' ? (other() ?? 'ok') : fate;
  return {
    commit: (info) => first(own.commit?.(info), () => named.commit?.(info)),
    append: (info) => first(own.append?.(info), () => named.append?.(info)),
    health: (worker) => own.health?.(worker) ?? named.health?.(worker),
  };
}

/** Scripted members have to be known to the node, as members that run nothing. */
function withMembers(members: Members, added: readonly Identity[]): Members {
  if (Array.isArray(members)) return [...members, ...added];
  if (added.every(({ group }) => group === defaultGroup)) {
    return { ...members, ...Object.fromEntries(added.map(({ name }) => [name, {}])) };
  }
  const named = Object.entries(members).map(([name, { group = defaultGroup, ...runs }]) => ({ name, group, ...runs }));
  return [...named, ...added];
}

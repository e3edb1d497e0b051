/**
 * A simulated world: nodes of several workers, each node with a log of its own, that meet on a network only.
 *
 * Owns the wiring, and what strikes it. Everything that happens goes through `observe`, to the trace and to the
 * invariants; the first one that is broken ends the run.
 */
import { memoryFaults } from '../../chaos/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { ShardRecord } from '../../persistence/index.ts';
import {
  type Clock,
  type Identity,
  identityOf,
  type MemberName,
  type Random,
  seededRandom,
} from '../../ports/index.ts';
import {
  type KafkaModelCluster,
  type KafkaModelClusterSetup,
  kafkaModelCluster,
  type MemoryCluster,
  type MemoryClusterSetup,
  memoryCluster,
  type ShardId,
} from '../../transport/log/index.ts';
import type { NodeSettings } from '../../worker/index.ts';
import { Audience, type Watcher } from './audience.ts';
import { BrokenHandOvers } from './broken-hand-overs.ts';
import { BrokerFaults } from './broker-faults.ts';
import { shardTopic } from './broker-topics.ts';
import { SimClients } from './client.ts';
import type { Happening, SimEvent } from './events.ts';
import { lie } from './forgery.ts';
import { LateClaims } from './late-claims.ts';
import { Network } from './network.ts';
import { observedLog } from './observed-log.ts';
import { Oracle } from './oracle.ts';
import {
  describeSimFault,
  namedFault,
  nameOf,
  type Plan,
  type PlannedNode,
  type SimFault,
  type SimFaultWord,
  strikesWorker,
  type WorkerFault,
  type WorldFault,
} from './plan.ts';
import { type Lane, Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';
import { SimWorker } from './worker.ts';

/** What must always hold. One is made for each run; it keeps what it has seen. */
export interface Invariant extends Watcher {
  /** It holds even where brokers have lost what they had acknowledged; most do not. Default: no. */
  readonly outlastsLoss?: true;
  /** Called once, when faults have stopped and everything has finished. */
  end?(world: World, violate: (text: string) => void): void;
}

export interface Violation {
  readonly invariant: string;
  readonly text: string;
  readonly at: number;
}

export interface WorldSetup {
  readonly seed: number;
  readonly plan: Plan;
  /** Settings of a node, asked at each start of one of its workers: an upgrade changes them. */
  readonly settings: (node: PlannedNode) => NodeSettings;
  readonly invariants: readonly Invariant[];
  /** Keep the events, for a reader. */
  readonly keepTrace: boolean;
  /** Make a hash of the trace. */
  readonly hashTrace: boolean;
}

export interface SimNode {
  readonly planned: PlannedNode;
  readonly cluster: MemoryCluster;
  readonly workers: readonly SimWorker[];
  /** What can be done to its brokers, where its log is Kafka, and what they hold. */
  readonly brokers: BrokerFaults | undefined;
  readonly broker: KafkaModelCluster['broker'] | undefined;
}

const restartAfterMs = 500;
/** A group gives away the shards of a worker that has stood still for so long. */
const sessionTimeoutMs = 1_500;
/** Time on the way to the log and back, in milliseconds. */
const usualLogLatencyMs = { min: 0.05, max: 1 };
/** A group takes a worker that has died for dead after this time. */
const failoverMs = 300;

export class World {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly clients: SimClients;
  readonly network: Network;
  readonly oracle: Oracle;
  readonly nodes: readonly SimNode[];
  /** The lane on which faults strike and clients live. */
  readonly outside: Lane;
  /** Faults that have struck, by word. */
  readonly struck = new Map<SimFaultWord, number>();
  violation: Violation | undefined;
  /** Brokers have lost commits: whoever works on is wrong, and most invariants have nothing to say any more. */
  lost = false;
  readonly #setup: WorldSetup;
  #audience: Audience;
  readonly #random: Random;
  readonly #handOvers = new BrokenHandOvers({
    later: (ms, run) => void this.outside.after(ms, run),
    take: (move) => this.#healed || this.#move(move, true),
  });
  readonly #members = new Map<string, Identity>();
  /** How many workers of a node are wanted, where that is not all. */
  readonly #wanted = new Map<string, number>();
  /** How long a worker that is struck next stays down, by node and worker. */
  readonly #downMs = new Map<string, number>();
  /** When faults have stopped a crashed worker is started again at once. */
  #healed = false;

  constructor(setup: WorldSetup) {
    this.#setup = setup;
    const { seed, plan, keepTrace, hashTrace } = setup;
    this.#audience = this.#audienceOf(setup.invariants);
    this.trace = new Trace({ keep: keepTrace, hashed: hashTrace });
    this.scheduler = new Scheduler({
      random: stream(seed, 'order'),
      onEvent: hashTrace
        ? (lane, at) => {
            this.trace.mix(lane);
            this.trace.mix(at * 1_000);
          }
        : undefined,
    });
    this.#random = stream(seed, 'faults');
    this.outside = this.scheduler.lane('outside');
    this.oracle = new Oracle({
      onApplied: (node, worker, { shard, term, sequence, batch, contents }, { before, headBefore }) =>
        this.observe(node, worker, { type: 'applied', shard, term, sequence, batch, contents, before, headBefore }),
      violate: (invariant, text) => this.violate(invariant, text),
    });
    const hosts = new Map(plan.nodes.flatMap(({ name, members }) => members.map((member) => [member, name] as const)));
    for (const { members } of plan.nodes) {
      for (const member of members) {
        const identity = identityOf(member);
        this.#members.set(`${identity.group}/${identity.name}`, identity);
      }
    }
    this.network = new Network({
      settings: plan.network,
      random: stream(seed, 'network'),
      line: this.scheduler.wire('network'),
      nodeOf: ({ name }) => hosts.get(name),
      observe: (node, worker, happening) => this.observe(node, worker, happening),
    });
    this.nodes = plan.nodes.map((planned) => this.#build(planned));
    this.clients = new SimClients({
      clock: this.outside,
      random: stream(seed, 'clients'),
      workersOf: (member) => this.node(hosts.get(identityOf(member).name) ?? '').workers,
      observe: (node, what, id, text) => this.observe(node, '', { type: 'client', what, id, text }),
    });
  }

  node(name: string): SimNode {
    const node = this.nodes.find(({ planned }) => planned.name === name);
    if (node === undefined) throw new Error(`the world has no node ${name}`);
    return node;
  }

  nodeOf(member: MemberName): SimNode {
    const { name } = identityOf(member);
    const node = this.nodes.find(({ planned }) => planned.members.includes(name));
    if (node === undefined) throw new Error(`no node hosts ${name}`);
    return node;
  }

  observe(node: string, worker: string, happening: Happening): void {
    // A happening is told once: it becomes the event itself, which is cheaper than a copy.
    const event = placed(happening);
    event.at = this.scheduler.now;
    event.node = node;
    event.worker = worker;
    this.trace.add(event);
    if (!this.lost) this.oracle.event(event);
    this.#audience.tell(event);
  }

  violate(invariant: string, text: string): void {
    this.violation ??= { invariant, text, at: this.scheduler.now };
  }

  /** Starts every worker of every node. */
  start(): void {
    for (const { planned, workers } of this.nodes) {
      if (planned.startWith !== undefined) this.#wanted.set(planned.name, planned.startWith);
      for (const worker of workers) this.#startWanted(worker);
    }
  }

  strike(fault: SimFault): void {
    this.observe('node' in fault ? fault.node : '', '', { type: 'fault', text: describeSimFault(fault) });
    if (strikesWorker(fault)) this.#strikeWorker(fault);
    else {
      this.#count(fault.type);
      this.#strikeWorld(fault);
    }
  }

  /** A fault that finds nothing to strike at this moment (an actor that is elsewhere) strikes nothing. */
  #strikeWorker(fault: WorkerFault): void {
    const worker = this.#worker(fault);
    const { downMs, node } = fault;
    if (downMs !== undefined) this.#downMs.set(`${node}/${nameOf(fault.worker)}`, downMs);
    try {
      worker?.injector.inject(namedFault(fault));
    } catch (error) {
      if (!WeirError.is(error, 'WEIR_FAULT_UNREACHABLE')) throw error;
      this.observe(node, nameOf(fault.worker), { type: 'note', what: 'not struck', text: error.message });
    }
    if (fault.type === 'hang' && worker?.frozen === true) {
      this.outside.after(sessionTimeoutMs, () => this.#takeForDead(worker));
    }
  }

  #strikeWorld(fault: WorldFault): void {
    const later = (ms: number, run: () => void): void => void this.outside.after(ms, run);
    switch (fault.type) {
      case 'slow-worker': {
        const worker = this.#worker(fault);
        const end = this.scheduler.now + fault.forMs;
        const stutter = (): void => {
          if (this.scheduler.now >= end || this.#healed || worker === undefined) return;
          later(fault.byMs, worker.freeze());
          later(fault.byMs * 1.25, stutter);
        };
        stutter();
        return;
      }
      case 'stop':
        void this.restart(fault.node, fault.worker, fault.downMs);
        return;
      case 'scale': {
        this.#wanted.set(fault.node, fault.workers);
        for (const [index, worker] of this.node(fault.node).workers.entries()) {
          if (index < fault.workers) worker.start();
          else void worker.stop();
        }
        return;
      }
      case 'partition': {
        const [a, b] = fault.between;
        this.network.cut(a, b);
        later(fault.forMs, () => this.network.mend(a, b));
        return;
      }
      case 'move': {
        if (fault.breaksAfterMs !== undefined) this.#handOvers.begin(fault);
        this.#move(fault, fault.rude);
        return;
      }
      case 'forge':
        this.network.forge(identityOf(fault.liar), lie(this.#random));
        return;
      case 'brokers':
        this.node(fault.node).brokers?.strike(fault, later);
        return;
    }
  }

  #move({ node, partition, worker }: Extract<WorldFault, { type: 'move' }>, rude: boolean): void {
    // A worker that is down, or already has it, is no place to move to: then nothing is struck.
    this.node(node)
      .cluster.move('flow', partition, nameOf(worker), { rude })
      .catch(() => undefined);
  }

  #count(word: SimFaultWord): void {
    this.struck.set(word, (this.struck.get(word) ?? 0) + 1);
  }

  /** Faults have stopped: what is cut, slow, wrong, still or down comes back. */
  heal(): void {
    this.#healed = true;
    for (const a of this.nodes) for (const b of this.nodes) this.network.mend(a.planned.name, b.planned.name);
    for (const { brokers, workers } of this.nodes) {
      brokers?.heal();
      for (const worker of workers) {
        worker.injector.clear();
        this.#startWanted(worker);
      }
    }
  }

  /** Stops a worker gracefully and starts it again, with the settings of that moment; resolves when it is started. */
  async restart(node: string, index: number, downMs = 0): Promise<void> {
    const worker = this.#worker({ node, worker: index });
    if (worker === undefined) return;
    await worker.stop();
    await new Promise<void>((resolve) => void this.outside.after(downMs, resolve));
    this.#startWanted(worker);
  }

  /** Everything has finished: what must hold at the end is checked. */
  end(): void {
    for (const invariant of this.#lasting()) {
      invariant.end?.(this, (text) => this.violate(invariant.name, text));
    }
  }

  /** The run is over, whatever came of it. */
  dispose(): void {
    for (const { workers } of this.nodes) for (const worker of workers) worker.dispose();
  }

  #lose(node: string, shard: ShardId, commits: readonly ShardRecord[]): void {
    this.lost = true;
    this.#audience = this.#audienceOf(this.#lasting());
    this.observe(node, '', { type: 'lost', shard, commits });
  }

  /** The invariants that hold as things are. */
  #lasting(): readonly Invariant[] {
    const { invariants } = this.#setup;
    return this.lost ? invariants.filter(({ outlastsLoss }) => outlastsLoss) : invariants;
  }

  #audienceOf(invariants: readonly Invariant[]): Audience {
    return new Audience([this.#handOvers, ...invariants], (name, text) => this.violate(name, text));
  }

  #build(planned: PlannedNode): SimNode {
    const { seed, settings } = this.#setup;
    const workers: SimWorker[] = [];
    const clock: Clock = this.scheduler.lane(`log of ${planned.name}`);
    const setup: MemoryClusterSetup = {
      clock,
      line: this.scheduler.wire(`requests to the log of ${planned.name}`),
      clockOf: (name) => workers.find((worker) => worker.name === name)?.lane ?? clock,
      random: stream(seed, `log of ${planned.name}`),
      latencyMs: planned.logLatencyMs ?? usualLogLatencyMs,
      failoverMs,
      landOdds: 0.5,
      faults: memoryFaults((name) => workers.find((worker) => worker.name === name)?.injector),
    };
    let lateClaims: LateClaims | undefined;
    const observed: KafkaModelClusterSetup['brokers'] = { observe: (event) => lateClaims?.seen(event) };
    const kafka = planned.log === 'kafka' ? kafkaModelCluster({ ...setup, brokers: observed }) : undefined;
    let brokers: BrokerFaults | undefined;
    if (kafka !== undefined) {
      lateClaims = new LateClaims(kafka, (name) =>
        observedLog(kafka.worker(name), (happening) => this.observe(planned.name, name, happening)),
      );
      brokers = new BrokerFaults(kafka.broker, lateClaims, (partition, commits) => {
        this.#lose(planned.name, { topic: shardTopic, partition }, commits);
      });
    }
    const cluster = kafka ?? memoryCluster(setup);
    cluster.onCrash((name) => workers.find((worker) => worker.name === name)?.crash('SIGKILL'));
    for (let index = 0; index < planned.workers; index++) {
      const name = nameOf(index);
      const worker: SimWorker = new SimWorker({
        node: planned.name,
        name,
        scheduler: this.scheduler,
        network: this.network,
        cluster,
        kafka: planned.cluster === true ? kafka : undefined,
        random: stream(seed, `${planned.name}/${name}`),
        settings: () => settings(planned),
        forceLogRoute: planned.forceLogRoute,
        errors: planned.errors === true,
        directory: { find: (member, group) => this.#members.get(`${group}/${member}`) },
        observe: (happening) => {
          this.observe(planned.name, name, happening);
          if (happening.type === 'down' && happening.why !== 'stopped') this.#startAgain(worker);
        },
        outside: this.outside,
        luck: stream(seed, `faults of ${planned.name}/${name}`),
        nodeOf: ({ name: member }) => this.nodes.find((node) => node.planned.members.includes(member))?.planned.name,
        onStrike: (word) => this.#count(word),
      });
      workers.push(worker);
    }
    return { planned, cluster, workers, brokers, broker: kafka?.broker };
  }

  /** Its parent process starts a worker again that has died. */
  #startAgain(worker: SimWorker): void {
    const name = `${worker.node}/${worker.name}`;
    const downMs = this.#downMs.get(name) ?? restartAfterMs * (0.5 + this.#random.next());
    this.#downMs.delete(name);
    this.outside.after(this.#healed && !this.lost ? 1 : downMs, () => this.#startWanted(worker));
  }

  #startWanted(worker: SimWorker): void {
    const wanted = this.#wanted.get(worker.node) ?? Number.POSITIVE_INFINITY;
    if (this.node(worker.node).workers.indexOf(worker) < wanted) worker.start();
  }

  /** The group of a node gives the shards of a worker that stands still to others, as after a session timeout. */
  #takeForDead(worker: SimWorker | undefined): void {
    if (worker?.frozen !== true) return;
    const { cluster, workers } = this.node(worker.node);
    const others = workers.filter(({ ready, frozen }) => ready !== undefined && !frozen);
    for (const [partition, owner] of cluster.owners('flow').entries()) {
      const heir = others[partition % others.length];
      if (owner !== worker.name || heir === undefined) continue;
      // An heir that dies meanwhile inherits nothing.
      cluster.move('flow', partition, heir.name, { rude: true }).catch(() => undefined);
    }
  }

  #worker({ node, worker }: { readonly node: string; readonly worker: number }): SimWorker | undefined {
    return this.node(node).workers[worker];
  }
}

/** The happening as an event, whose place is still to be written: `Object.assign` costs several times as much. */
function placed(happening: Happening): SimEvent & { at: number; node: string; worker: string } {
  return happening as SimEvent;
}

/** A stream of its own for each purpose: taking a fault away must not change what the network draws. */
export function stream(seed: number, purpose: string): Random {
  let hash = seed >>> 0;
  for (let at = 0; at < purpose.length; at++)
    hash = Math.imul(hash ^ purpose.charCodeAt(at), 0x01000193) ^ (hash >>> 13);
  return seededRandom(hash);
}

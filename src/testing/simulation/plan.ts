/**
 * The plan of a run: everything that will be done to a simulated world, as plain data. A seed draws it; shrinking takes
 * parts of it away and runs what is left.
 */
import { describeFault, type Fault } from '../../chaos/index.ts';
import type { NodeSettings } from '../../worker/index.ts';
import type { NetworkSettings } from './network.ts';

/** A fault by its name that strikes one worker: the words that tests and `weir chaos` use too. */
export type WorkerFault = Fault & {
  readonly node: string;
  readonly worker: number;
  /** How long its parent process leaves a worker down that dies of it. Default 250 to 750 ms. */
  readonly downMs?: number;
};

/** What concerns more than one process. Times and lengths are virtual milliseconds. */
export type WorldFault =
  /** Nothing passes between two nodes. */
  | { readonly type: 'partition'; readonly between: readonly [string, string]; readonly forMs: number }
  /**
   * A shard is moved in good order; with `rude` it is given to another worker without a word to its owner. With
   * `breaksAfterMs` that happens so long after the next owner has read it ahead.
   */
  | {
      readonly type: 'move';
      readonly node: string;
      readonly partition: number;
      readonly worker: number;
      readonly rude: boolean;
      readonly breaksAfterMs?: number;
    }
  /** A member sends other members' messages under its own name. */
  | { readonly type: 'forge'; readonly liar: string }
  /** A worker stops gracefully, and is started again after `downMs`: one stage of a rolling restart. */
  | { readonly type: 'stop'; readonly node: string; readonly worker: number; readonly downMs: number }
  /** So many workers of a node are wanted from now on: those beyond stop gracefully, those missing are started. */
  | { readonly type: 'scale'; readonly node: string; readonly workers: number }
  /** A process stands still for `byMs` again and again, and gets on a little in between. */
  | {
      readonly type: 'slow-worker';
      readonly node: string;
      readonly worker: number;
      readonly byMs: number;
      readonly forMs: number;
    }
  /** Something happens to the brokers of a node whose log is Kafka. */
  | {
      readonly type: 'brokers';
      readonly node: string;
      readonly partition: number;
      readonly what: BrokerFault;
      readonly forMs: number;
    };

/**
 * What happens to a partition of the state topic and its leader, to the same one of the topic of statuses, or to all
 * brokers (`down`, `restart`).
 */
export const brokerFaults = [
  ...(['down', 'restart', 'new leader', 'unaware leader', 'no leader', 'short of replicas', 'compaction'] as const),
  ...(['producers forgotten', 'epochs used up', 'late claim', 'statuses short of replicas'] as const),
] as const;
/** Breaks what brokers promise, so most of what Weir promises ends with it: the newest batches of a shard's state are gone. */
export const losingFault = 'unclean election';
export type BrokerFault = (typeof brokerFaults)[number] | typeof losingFault;

export type SimFault = WorkerFault | WorldFault;

export type SimFaultWord = SimFault['type'];

export interface Timed<What> {
  /** Virtual milliseconds since the start. */
  readonly at: number;
  readonly what: What;
}

export interface PlannedNode {
  readonly name: string;
  /** Names of the members that it hosts. */
  readonly members: readonly string[];
  readonly workers: number;
  /** So many of them are started at first; `scale` changes it. Default: all. */
  readonly startWith?: number;
  readonly shards: number;
  /** Sends every message between shards through the log. */
  readonly forceLogRoute: boolean;
  /** Its workers tell of their errors in the log, as those of a node that is started by itself. Default: they do not. */
  readonly errors?: true;
  /**
   * Its workers hear of each other, obey orders of operators and audit what they are run with, as those of several hosts
   * do; their log is Kafka's. Default: they do not.
   */
  readonly cluster?: true;
  /** Which driver its log is: the memory cluster (default), or the Kafka driver on the model of brokers. */
  readonly log?: 'memory' | 'kafka';
  /** Time on the way to its log and back, in milliseconds. Default 0.05 to 1. */
  readonly logLatencyMs?: { readonly min: number; readonly max: number };
  /** Settings that differ from run to run; the scenario's own go before them. */
  readonly settings?: Pick<
    NodeSettings,
    'retention' | 'hospital' | 'redeliver' | 'idle' | 'stepTimeout' | 'maxHotFlows' | 'deathsAlone'
  >;
}

export interface Plan<Action = unknown> {
  readonly nodes: readonly PlannedNode[];
  readonly network: NetworkSettings;
  readonly actions: ReadonlyArray<Timed<Action>>;
  readonly faults: ReadonlyArray<Timed<SimFault>>;
}

/** Whether it is a fault by name at one worker. */
export function strikesWorker(fault: SimFault): fault is WorkerFault {
  return !('between' in fault) && !worldWords.has(fault.type);
}

const worldWords: ReadonlySet<SimFaultWord> = new Set(['move', 'forge', 'stop', 'scale', 'slow-worker', 'brokers']);

/** One sentence for the trace. */
export function describeSimFault(fault: SimFault): string {
  if (strikesWorker(fault)) return `${fault.node}/${nameOf(fault.worker)}: ${describeFault(namedFault(fault))}`;
  switch (fault.type) {
    case 'partition':
      return `nothing passes between ${fault.between.join(' and ')} for ${fault.forMs} ms`;
    case 'move':
      return `shard ${fault.partition} of ${fault.node} ${fault.rude ? 'is given, without a word to its owner,' : 'moves'} to ${nameOf(fault.worker)}${fault.breaksAfterMs === undefined ? '' : `, and is taken from its owner ${fault.breaksAfterMs} ms after that has read it`}`;
    case 'forge':
      return `${fault.liar} sends messages of other members under its own name`;
    case 'stop':
      return `${fault.node}/${nameOf(fault.worker)} is told to stop, for ${fault.downMs} ms`;
    case 'scale':
      return `${fault.node} is to run on ${fault.workers} workers`;
    case 'slow-worker':
      return `${fault.node}/${nameOf(fault.worker)} stands still for ${fault.byMs} ms again and again, for ${fault.forMs} ms`;
    case 'brokers':
      if (fault.what === losingFault) {
        return `the brokers of ${fault.node} lose the last ${fault.forMs} ms of partition ${fault.partition}`;
      }
      return `the brokers of ${fault.node}: ${fault.what} (partition ${fault.partition}), for ${fault.forMs} ms`;
  }
}

/** The fault without its place. */
export function namedFault({ node: _node, worker: _worker, downMs: _downMs, ...fault }: WorkerFault): Fault {
  return fault;
}

export function nameOf(worker: number): string {
  return `worker-${worker}`;
}

/**
 * The plan of a run: everything that will be done to a simulated world, as plain data. A seed draws it; shrinking takes
 * parts of it away and runs what is left.
 */
import type { NodeSettings } from '../../worker/index.ts';
import type { NetworkSettings } from './network.ts';

/** What strikes a world. Times and lengths are virtual milliseconds. */
export type SimFault =
  /** The process dies, now or around its next commit, and is started again after `downMs`. */
  | {
      readonly type: 'crash';
      readonly node: string;
      readonly worker: number;
      readonly when: 'now' | 'before commit' | 'after commit';
      readonly downMs: number;
    }
  /** The process stands still, as with SIGSTOP; its group takes it for dead after a while. */
  | { readonly type: 'hang'; readonly node: string; readonly worker: number; readonly forMs: number }
  /** The log of a node answers later. */
  | { readonly type: 'slow'; readonly node: string; readonly byMs: number; readonly forMs: number }
  /** A commit or an append takes effect, and its answer is lost. */
  | { readonly type: 'lost-ack'; readonly node: string; readonly worker: number; readonly times: number }
  /** The network loses, repeats or delays messages. */
  | { readonly type: 'lose' | 'duplicate'; readonly odds: number; readonly forMs: number }
  | { readonly type: 'reorder'; readonly byMs: number; readonly forMs: number }
  /** Nothing passes between two nodes. */
  | { readonly type: 'partition'; readonly between: readonly [string, string]; readonly forMs: number }
  /** The wall clock of a worker is wrong by so much. */
  | {
      readonly type: 'clock-skew';
      readonly node: string;
      readonly worker: number;
      readonly byMs: number;
      readonly forMs: number;
    }
  /** A shard is given to another worker without a word to its owner, whose writes must then be refused. */
  | { readonly type: 'fenced-writer'; readonly node: string; readonly partition: number; readonly worker: number }
  /** A shard is moved in good order. */
  | { readonly type: 'move'; readonly node: string; readonly partition: number; readonly worker: number }
  /** A member sends another member's message under its own name. */
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
  /** The disk of a node is full: its log takes nothing until there is room again. */
  | { readonly type: 'full-disk'; readonly node: string; readonly forMs: number }
  /** The next write of a process is cut in the middle on the disk, and the process dies: half a batch is none. */
  | { readonly type: 'torn-write'; readonly node: string; readonly worker: number; readonly downMs: number }
  /** The mailbox of a shard takes nothing more. */
  | { readonly type: 'full-mailbox'; readonly node: string; readonly partition: number; readonly forMs: number }
  /** The actor of a shard fails at its next turn. */
  | { readonly type: 'actor-crash'; readonly node: string; readonly partition: number };

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
  /** Time on the way to its log and back, in milliseconds. Default 0.05 to 1. */
  readonly logLatencyMs?: { readonly min: number; readonly max: number };
  /** Settings that differ from run to run; the scenario's own go before them. */
  readonly settings?: Pick<NodeSettings, 'retention' | 'hospital' | 'redeliver' | 'maxHotFlows'>;
}

export interface Plan<Action = unknown> {
  readonly nodes: readonly PlannedNode[];
  readonly network: NetworkSettings;
  readonly actions: ReadonlyArray<Timed<Action>>;
  readonly faults: ReadonlyArray<Timed<SimFault>>;
}

/** One sentence for the trace. */
export function describeFault(fault: SimFault): string {
  switch (fault.type) {
    case 'crash':
      return `${fault.node}/${nameOf(fault.worker)} crashes ${fault.when}, for ${fault.downMs} ms`;
    case 'hang':
      return `${fault.node}/${nameOf(fault.worker)} stands still for ${fault.forMs} ms`;
    case 'slow':
      return `the log of ${fault.node} is slower by up to ${fault.byMs} ms, for ${fault.forMs} ms`;
    case 'lost-ack':
      return `${fault.node}/${nameOf(fault.worker)} does not hear ${fault.times} answers of the log`;
    case 'lose':
      return `the network loses ${percent(fault.odds)} of messages for ${fault.forMs} ms`;
    case 'duplicate':
      return `the network repeats ${percent(fault.odds)} of messages for ${fault.forMs} ms`;
    case 'reorder':
      return `messages are late by up to ${fault.byMs} ms, for ${fault.forMs} ms`;
    case 'partition':
      return `nothing passes between ${fault.between.join(' and ')} for ${fault.forMs} ms`;
    case 'clock-skew':
      return `the clock of ${fault.node}/${nameOf(fault.worker)} is wrong by ${fault.byMs} ms, for ${fault.forMs} ms`;
    case 'fenced-writer':
      return `shard ${fault.partition} of ${fault.node} goes to ${nameOf(fault.worker)}, and its owner is not told`;
    case 'move':
      return `shard ${fault.partition} of ${fault.node} moves to ${nameOf(fault.worker)}`;
    case 'forge':
      return `${fault.liar} sends a message of another member under its own name`;
    case 'stop':
      return `${fault.node}/${nameOf(fault.worker)} is told to stop, for ${fault.downMs} ms`;
    case 'scale':
      return `${fault.node} is to run on ${fault.workers} workers`;
    case 'slow-worker':
      return `${fault.node}/${nameOf(fault.worker)} stands still for ${fault.byMs} ms again and again, for ${fault.forMs} ms`;
    case 'full-disk':
      return `the disk of ${fault.node} is full for ${fault.forMs} ms`;
    case 'torn-write':
      return `the next write of ${fault.node}/${nameOf(fault.worker)} is torn, and it dies for ${fault.downMs} ms`;
    case 'full-mailbox':
      return `the mailbox of shard ${fault.partition} of ${fault.node} is full for ${fault.forMs} ms`;
    case 'actor-crash':
      return `the actor of shard ${fault.partition} of ${fault.node} fails`;
  }
}

export function nameOf(worker: number): string {
  return `worker-${worker}`;
}

function percent(odds: number): string {
  return `${Math.round(odds * 100)} %`;
}

/**
 * The plan of a run: everything that will be done to a simulated world, as plain data. A seed draws it; shrinking takes
 * parts of it away and runs what is left.
 */
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
  | { readonly type: 'forge'; readonly liar: string };

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
  readonly shards: number;
  /** Sends every message between shards through the log. */
  readonly forceLogRoute: boolean;
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
  }
}

export function nameOf(worker: number): string {
  return `worker-${worker}`;
}

function percent(odds: number): string {
  return `${Math.round(odds * 100)} %`;
}

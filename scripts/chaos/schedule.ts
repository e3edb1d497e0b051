/**
 * What is done to the cluster, and when: a deck of acts, shuffled by the seed, so that each comes before any comes again.
 * Acts are real signals, and faults by name through `weir chaos`.
 */

import type { Random } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';

/** `forMs`: how long the process is stopped before it may go on, or is gone before it is started again. */
export type Act = WorkerAct | BrokerAct;

export type WorkerAct =
  | { readonly type: 'signal'; readonly signal: 'SIGKILL' | 'SIGTERM' }
  | { readonly type: 'stop'; readonly forMs: number }
  | { readonly type: 'fault'; readonly fault: Fault };

export interface BrokerAct {
  readonly type: 'broker';
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  readonly forMs: number;
}

/** How an act is called in the report. */
export function nameOf(act: Act): string {
  switch (act.type) {
    case 'signal':
      return act.signal;
    case 'stop':
      return act.forMs > sessionMs ? 'SIGSTOP past the session, SIGCONT' : 'SIGSTOP, SIGCONT';
    case 'broker':
      return act.signal === 'SIGKILL' ? 'SIGKILL of a broker, restart' : 'SIGSTOP of a broker, SIGCONT';
    case 'fault':
      if (onActor(act) && act.fault.type !== 'full-mailbox') return `${act.fault.type} of an actor`;
      return act.fault.type;
  }
}

/** How it is known that an act has struck. */
export function proofOf(act: Act): 'done' | 'death' | 'counted' {
  if (act.type !== 'fault' || onActor(act)) return 'done';
  switch (act.fault.type) {
    case 'crash':
    case 'torn-write':
      return 'death';
    case 'hang':
    case 'clock-skew':
    case 'fenced-writer':
      return 'done';
    default:
      return 'counted';
  }
}

function onActor(act: Act): boolean {
  return act.type === 'fault' && act.fault.on?.startsWith('/') === true;
}

/** Shards of the node under test. */
const shards = 8;

/** On Kafka a worker that is not heard of for so long has lost its shards to others. */
const sessionMs = 10_000;

export interface Schedule {
  /** What comes next, and how long to wait before it. */
  next(): { readonly afterMs: number; readonly act: Act };
}

export function scheduleFrom(random: Random, cluster: 'embedded' | 'kafka'): Schedule {
  const deckOf = cluster === 'kafka' ? kafkaDeck : embeddedDeck;
  let deck: Act[] = [];
  const below = (limit: number): number => Math.floor(random.next() * limit);
  return {
    next() {
      if (deck.length === 0) deck = interleaved(deckOf(below), below);
      const act = deck.pop();
      if (act === undefined) throw new Error('a deck has cards');
      return { afterMs: 300 + below(2_000), act };
    },
  };
}

type Below = (limit: number) => number;

function embeddedDeck(below: Below): Act[] {
  const faults: readonly Fault[] = [
    ...faultsAnywhere(below),
    { type: 'torn-write' },
    { type: 'clock-skew', by: below(2) === 0 ? '-10 min' : '10 min', for: '5s' },
  ];
  return [...signals(), { type: 'stop', forMs: 3_000 + below(5_000) }, ...faults.map(faultAct)];
}

function kafkaDeck(below: Below): Act[] {
  const faults: readonly Fault[] = [
    ...faultsAnywhere(below),
    { type: 'duplicate', on: 'log', odds: 0.5, for: '4s' },
    { type: 'partition', on: 'log', for: `${2 + below(12)}s` },
    // Hosts and brokers may be five minutes apart.
    { type: 'clock-skew', by: below(2) === 0 ? '-4 min' : '4 min', for: '5s' },
  ];
  return [
    ...signals(),
    { type: 'stop', forMs: sessionMs + 1_000 + below(4_000) },
    { type: 'broker', signal: 'SIGKILL', forMs: below(2_000) },
    { type: 'broker', signal: 'SIGKILL', forMs: below(4_000) },
    { type: 'broker', signal: 'SIGSTOP', forMs: 2_000 + below(sessionMs) },
    ...faults.map(faultAct),
  ];
}

function signals(): Act[] {
  return [
    { type: 'signal', signal: 'SIGKILL' },
    { type: 'signal', signal: 'SIGKILL' },
    { type: 'signal', signal: 'SIGTERM' },
  ];
}

function faultAct(fault: Fault): Act {
  return { type: 'fault', fault };
}

/** Faults that strike whatever log there is. */
function faultsAnywhere(below: Below): readonly Fault[] {
  const shard = (): `shard ${number}` => `shard ${below(shards)}`;
  return [
    { type: 'crash', on: 'log', when: 'before' },
    { type: 'crash', on: shard(), when: 'after' },
    { type: 'crash', on: '/services/rpc' },
    { type: 'crash', on: `/services/flow/shard-${below(shards)}` },
    { type: 'full-disk', for: `${1 + below(4)}s` },
    { type: 'slow', by: `${20 + below(200)}ms`, odds: 0.5, for: '4s' },
    { type: 'lost-ack', times: 3 },
    { type: 'hang', for: `${1 + below(4)}s` },
    { type: 'hang', on: '/services/rpc', for: '3s' },
    { type: 'full-mailbox', on: '/services/rpc', for: '2s' },
    { type: 'fenced-writer', on: shard(), for: '2s' },
    { type: 'lose', odds: 0.3, for: '4s' },
    { type: 'duplicate', odds: 0.3, for: '4s' },
    { type: 'reorder', odds: 0.3, for: '4s' },
    { type: 'partition', on: 'peers', for: '3s' },
  ];
}

/** Shuffled, signals in turn with faults by name: a short run has some of both. */
function interleaved(acts: readonly Act[], below: Below): Act[] {
  const isFault = ({ type }: Act): boolean => type === 'fault';
  const signals = shuffled(
    acts.filter((act) => !isFault(act)),
    below,
  );
  const faults = shuffled(acts.filter(isFault), below);
  const drawn: Act[] = [];
  while (signals.length + faults.length > 0) drawn.push(...signals.splice(0, 1), ...faults.splice(0, 1));
  // The last one is drawn first.
  return drawn.reverse();
}

function shuffled<T>(items: readonly T[], below: Below): T[] {
  const left = [...items];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(below(left.length), 1));
  return result;
}

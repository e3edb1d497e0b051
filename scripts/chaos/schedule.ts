/**
 * What is done to the cluster, and when: a deck of acts, shuffled by the seed, so that each comes before any comes again.
 * Acts are real signals, and faults by name through `weir chaos`.
 */

import type { Random } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';

/** `forMs`: how long the process is stopped before it may go on. */
export type Act =
  | { readonly type: 'signal'; readonly signal: 'SIGKILL' | 'SIGTERM' }
  | { readonly type: 'stop'; readonly forMs: number }
  | { readonly type: 'fault'; readonly fault: Fault };

/** How an act is called in the report. */
export function nameOf(act: Act): string {
  switch (act.type) {
    case 'signal':
      return act.signal;
    case 'stop':
      return 'SIGSTOP, SIGCONT';
    case 'fault':
      return onActor(act) && act.fault.type !== 'full-mailbox' ? `${act.fault.type} of an actor` : act.fault.type;
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

export interface Schedule {
  /** What comes next, and how long to wait before it. */
  next(): { readonly afterMs: number; readonly act: Act };
}

export function scheduleFrom(random: Random): Schedule {
  let deck: Act[] = [];
  const below = (limit: number): number => Math.floor(random.next() * limit);
  return {
    next() {
      if (deck.length === 0) deck = shuffled(deckOf(below), below);
      const act = deck.pop();
      if (act === undefined) throw new Error('a deck has cards');
      return { afterMs: 300 + below(2_000), act };
    },
  };
}

function deckOf(below: (limit: number) => number): Act[] {
  const shard = (): `shard ${number}` => `shard ${below(shards)}`;
  const faults: readonly Fault[] = [
    { type: 'crash', on: 'log', when: 'before' },
    { type: 'crash', on: shard(), when: 'after' },
    { type: 'crash', on: '/services/rpc' },
    { type: 'crash', on: `/services/flow/shard-${below(shards)}` },
    { type: 'torn-write' },
    { type: 'full-disk', for: `${1 + below(4)}s` },
    { type: 'slow', by: `${20 + below(200)}ms`, odds: 0.5, for: '4s' },
    { type: 'lost-ack', times: 3 },
    { type: 'hang', for: `${1 + below(4)}s` },
    { type: 'hang', on: '/services/rpc', for: '3s' },
    { type: 'full-mailbox', on: '/services/rpc', for: '2s' },
    { type: 'fenced-writer', on: shard(), for: '2s' },
    { type: 'clock-skew', by: below(2) === 0 ? '-10 min' : '10 min', for: '5s' },
    { type: 'lose', odds: 0.3, for: '4s' },
    { type: 'duplicate', odds: 0.3, for: '4s' },
    { type: 'reorder', odds: 0.3, for: '4s' },
    { type: 'partition', on: 'peers', for: '3s' },
  ];
  return [
    { type: 'signal', signal: 'SIGKILL' },
    { type: 'signal', signal: 'SIGKILL' },
    { type: 'signal', signal: 'SIGTERM' },
    { type: 'stop', forMs: 3_000 + below(5_000) },
    ...faults.map((fault): Act => ({ type: 'fault', fault })),
  ];
}

function shuffled<T>(items: readonly T[], below: (limit: number) => number): T[] {
  const left = [...items];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(below(left.length), 1));
  return result;
}

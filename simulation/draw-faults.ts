/** Faults of a plan: which words can strike a world of this shape, and how hard. */
import type { PlannedNode, SimFault, SimFaultWord, Timed } from 'weir/testing';
import type { Draw } from './draw.ts';

export interface FaultsWanted {
  readonly nodes: readonly PlannedNode[];
  readonly count: number;
  /** They strike within this time, in virtual milliseconds. */
  readonly withinMs: number;
  /** Only these words. Default: all that can strike. */
  readonly words?: readonly SimFaultWord[];
}

/** In the order of the words' declaration; a plan is drawn from it, so its order is part of a scenario's version. */
export const everyFault: readonly SimFaultWord[] = [
  ...(['crash', 'hang', 'slow', 'lost-ack', 'lose', 'duplicate', 'reorder', 'partition', 'clock-skew'] as const),
  ...(['fenced-writer', 'move', 'forge', 'stop', 'scale', 'slow-worker', 'full-disk', 'torn-write'] as const),
  ...(['full-mailbox', 'actor-crash'] as const),
];

export function drawFaults(
  draw: Draw,
  { nodes, count, withinMs, words = everyFault }: FaultsWanted,
): Timed<SimFault>[] {
  const possible = words.filter((word) => canStrike(word, nodes));
  return draw
    .several(count, () => ({ at: draw.whole(0, withinMs), what: drawFault(draw, draw.pick(possible), nodes) }))
    .sort((a, b) => a.at - b.at);
}

/** Whether there is a place for it: a shard needs somewhere to move to, a partition two nodes. */
function canStrike(word: SimFaultWord, nodes: readonly PlannedNode[]): boolean {
  switch (word) {
    case 'fenced-writer':
    case 'move':
    case 'scale':
      return nodes.some(({ workers }) => workers > 1);
    case 'torn-write':
      return nodes.some(({ workers }) => workers === 1);
    case 'partition':
      return nodes.length > 1;
    case 'forge':
      return nodes.flatMap(({ members }) => members).length > 1;
    default:
      return true;
  }
}

function drawFault(draw: Draw, type: SimFaultWord, nodes: readonly PlannedNode[]): SimFault {
  const node = draw.pick(nodes);
  const worker = draw.whole(0, node.workers - 1);
  const here = { node: node.name, worker };
  // Most are short beside what they disturb; some outlast every deadline in their way.
  const forMs = draw.odds(0.2) ? draw.whole(2_000, 20_000) : draw.whole(20, 2_000);
  switch (type) {
    case 'crash':
      return { type, ...here, when: draw.pick(['now', 'before commit', 'after commit']), downMs: forMs };
    case 'hang':
      return { type, ...here, forMs };
    case 'slow':
      return { type, node: node.name, byMs: draw.whole(1, 200), forMs };
    case 'lost-ack':
      return { type, ...here, times: draw.whole(1, 3) };
    case 'lose':
    case 'duplicate':
      return { type, odds: draw.whole(1, 10) / 20, forMs };
    case 'reorder':
      return { type, byMs: draw.whole(5, 500), forMs };
    case 'partition': {
      const other = draw.other(nodes, node);
      return { type, between: [node.name, other.name], forMs };
    }
    case 'clock-skew':
      return { type, ...here, byMs: draw.pick([-5_000, -200, -10, 10, 200, 5_000]), forMs };
    case 'fenced-writer':
    case 'move': {
      const wide = draw.pick(nodes.filter(({ workers }) => workers > 1));
      return {
        type,
        node: wide.name,
        partition: draw.whole(0, wide.shards - 1),
        worker: draw.whole(0, wide.workers - 1),
      };
    }
    case 'scale': {
      const wide = draw.pick(nodes.filter(({ workers }) => workers > 1));
      return { type, node: wide.name, workers: draw.whole(1, wide.workers) };
    }
    case 'torn-write': {
      const lone = draw.pick(nodes.filter(({ workers }) => workers === 1));
      return { type, node: lone.name, worker: 0, downMs: forMs };
    }
    case 'forge':
      return { type, liar: draw.pick(nodes.flatMap(({ members }) => members)) };
    case 'stop':
      return { type, ...here, downMs: forMs };
    case 'slow-worker':
      return { type, ...here, byMs: draw.whole(5, 300), forMs };
    case 'full-disk':
      return { type, node: node.name, forMs };
    case 'full-mailbox':
      return { type, node: node.name, partition: draw.whole(0, node.shards - 1), forMs };
    case 'actor-crash':
      return { type, node: node.name, partition: draw.whole(0, node.shards - 1) };
  }
}

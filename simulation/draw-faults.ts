/** Faults of a plan: which words can strike a world of this shape, and how hard. */
import { brokerFaults, type PlannedNode, type SimFault, type SimFaultWord, type Timed } from 'weir/testing';
import type { Draw } from './draw.ts';

export interface FaultsWanted {
  readonly nodes: readonly PlannedNode[];
  readonly count: number;
  /** They strike within this time, in virtual milliseconds. */
  readonly withinMs: number;
  /** Only these words. Default: all that can strike. */
  readonly words?: readonly SimFaultWord[];
}

/** A plan is drawn from it, so its order is part of a scenario's version. */
export const everyFault: readonly SimFaultWord[] = [
  ...(['crash', 'hang', 'slow', 'lost-ack', 'lose', 'duplicate', 'reorder', 'partition', 'clock-skew'] as const),
  ...(['fenced-writer', 'move', 'forge', 'stop', 'scale', 'slow-worker', 'full-disk', 'torn-write'] as const),
  ...(['full-mailbox', 'brokers'] as const),
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

/** Hand-overs of shards that break when the next owner has read them ahead; none where nothing is read ahead. */
export function drawBrokenHandOvers(
  draw: Draw,
  { nodes, count, withinMs }: Omit<FaultsWanted, 'words'>,
): Timed<SimFault>[] {
  const wide = nodes.filter(({ log, workers }) => log === 'kafka' && workers > 1);
  if (wide.length === 0) return [];
  return draw.several(count, () => {
    const { name: node, workers, shards } = draw.pick(wide);
    const place = { node, partition: draw.whole(0, shards - 1), worker: draw.whole(0, workers - 1) };
    const breaksAfterMs = draw.whole(0, draw.pick([2, 50, 1_000]));
    return { at: draw.whole(0, withinMs), what: { type: 'move', ...place, rude: false, breaksAfterMs } };
  });
}

/** Whether there is a place for it: a shard needs somewhere to move to, a partition two nodes. */
function canStrike(word: SimFaultWord, nodes: readonly PlannedNode[]): boolean {
  switch (word) {
    case 'move':
    case 'scale':
      return nodes.some(({ workers }) => workers > 1);
    case 'torn-write':
      return nodes.some(({ workers }) => workers === 1);
    case 'partition':
      return nodes.length > 1;
    case 'brokers':
      return nodes.some(({ log }) => log === 'kafka');
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
  const actor: `/${string}` = `/services/flow/shard-${draw.whole(0, node.shards - 1)}`;
  switch (type) {
    case 'crash':
      return draw.pick<SimFault>([
        { type, ...here, downMs: forMs },
        { type, ...here, on: 'log', when: 'before', downMs: forMs },
        { type, ...here, on: 'log', when: 'after', downMs: forMs },
        { type, ...here, on: actor },
      ]);
    case 'hang':
      return draw.odds(0.8) ? { type, ...here, for: forMs } : { type, ...here, on: actor, for: forMs };
    case 'slow':
      return { type, ...here, on: draw.pick(['log', 'peers']), by: draw.whole(1, 200), for: forMs };
    case 'lost-ack':
      return { type, ...here, times: draw.whole(1, 3) };
    case 'lose':
      return { type, ...here, odds: draw.whole(1, 10) / 20, for: forMs };
    case 'duplicate':
      return { type, ...here, on: draw.pick(['log', 'peers']), odds: draw.whole(1, 10) / 20, for: forMs };
    case 'reorder':
      return { type, ...here, by: draw.whole(5, 500), odds: draw.whole(1, 10) / 10, for: forMs };
    case 'partition': {
      if (draw.odds(0.3)) return { type, ...here, on: draw.pick(['log', 'peers']), for: forMs };
      return { type, between: [node.name, draw.other(nodes, node).name], forMs };
    }
    case 'clock-skew':
      return draw.odds(0.7)
        ? { type, ...here, by: draw.pick(['-5 s', '-200 ms', '-10 ms', '10 ms', '200 ms', '5 s']), for: forMs }
        : { type, ...here, drift: draw.pick([-0.3, -0.01, 0.01, 0.5]), for: forMs };
    case 'fenced-writer':
      return { type, ...here, on: `shard ${draw.whole(0, node.shards - 1)}`, for: draw.whole(10, 1_000) };
    case 'move': {
      const wide = draw.pick(nodes.filter(({ workers }) => workers > 1));
      return {
        type,
        node: wide.name,
        partition: draw.whole(0, wide.shards - 1),
        worker: draw.whole(0, wide.workers - 1),
        rude: draw.odds(0.5),
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
      return { type, ...here, for: forMs };
    case 'full-mailbox':
      return { type, ...here, on: actor, for: forMs };
    case 'brokers': {
      const kafka = draw.pick(nodes.filter(({ log }) => log === 'kafka'));
      return {
        type,
        node: kafka.name,
        partition: draw.whole(0, kafka.shards - 1),
        what: draw.pick(brokerFaults),
        forMs,
      };
    }
  }
}

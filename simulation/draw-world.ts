/** Worlds of a plan: which members live on which nodes, on how many workers, behind what network. */
import type { NetworkSettings, PlannedNode } from 'weir/testing';
import type { Draw } from './draw.ts';

export interface NodesWanted {
  readonly members: readonly string[];
  readonly nodes: number;
  /** Of all nodes together. */
  readonly workers: number;
  /** How often the log of a node is Kafka's, 0 to 1. Default 0.3. */
  readonly kafkaOdds?: number;
}

/** Spreads members and workers over nodes; every node has at least one of each. */
export function drawNodes(draw: Draw, { members, nodes, workers, kafkaOdds = 0.3 }: NodesWanted): PlannedNode[] {
  const shares = draw.several(nodes, () => ({ members: [] as string[], workers: 1 }));
  for (const [index, member] of members.entries()) (shares[index] ?? draw.pick(shares)).members.push(member);
  for (let left = workers - nodes; left > 0; left--) draw.pick(shares).workers += 1;
  return shares.map((share, index) => ({
    name: `node-${index}`,
    ...share,
    ...(share.workers > 2 && draw.odds(0.5) ? { startWith: 1 } : {}),
    shards: draw.whole(1, 6),
    forceLogRoute: draw.odds(0.3),
    log: draw.odds(kafkaOdds) ? 'kafka' : 'memory',
    logLatencyMs: draw.odds(0.3) ? { min: 1, max: draw.whole(2, 30) } : { min: 0.05, max: 1 },
    // Few live generators: flows are rebuilt from their journals all the time.
    settings: draw.odds(0.3) ? { maxHotFlows: draw.whole(1, 3) } : {},
  }));
}

export function drawNetwork(draw: Draw): NetworkSettings {
  if (draw.odds(0.5)) return {};
  return {
    lose: draw.whole(0, 4) / 20,
    repeat: draw.whole(0, 4) / 20,
    latencyMs: { min: 0.2, max: draw.pick([1, 20, 200]) },
  };
}

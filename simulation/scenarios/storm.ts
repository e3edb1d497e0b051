/** Many clients, one request id. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { storm as starts } from '../workloads/storm.ts';

const withinMs = 2_000;
/** Ids may be used again after this time. */
const retentionMs = 60_000;
const members = ['ACME', 'GLOBEX'];

export const storm = scenarioOf({
  name: 'storm',
  version: 5,
  about: 'storms of starts with repeated ids, conflicts, and ids that are used again after their window',
  withinMs,
  settleMs: 20 * 60_000,
  workloads: [{ of: starts, flows: 40 }],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 4 }).map((node) => ({
      ...node,
      settings: { ...node.settings, retention: retentionMs, audit: 2 * retentionMs },
    }));
    return {
      nodes,
      network: drawNetwork(draw),
      faults: drawFaults(draw, { nodes, count: 15, withinMs: 2 * retentionMs }),
    };
  },
});

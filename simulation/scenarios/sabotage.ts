/** Flows that end their workers, and nothing else that does. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { saboteurs } from '../workloads/sabotage.ts';

const withinMs = 4_000;
const members = ['ACME', 'GLOBEX'];

export const sabotage = scenarioOf({
  name: 'sabotage',
  version: 1,
  about: 'flows that end every worker that runs them, among others that work: only they end in the hospital',
  withinMs,
  settleMs: 60 * 60_000,
  workloads: [{ of: saboteurs, flows: 30 }],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: draw.whole(2, 4) }).map((node) => ({
      ...node,
      settings: { ...node.settings, hospital: '20 min' as const, deathsAlone: 1 },
    }));
    // No fault ends a worker or takes a shard from it: that would look like the doing of a flow.
    const words = ['slow', 'lose', 'duplicate', 'reorder', 'lost-ack'] as const;
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 6, withinMs, words }) };
  },
});

/** A hospital full of flows, and operators who act while everything around them fails. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { operators as hospital } from '../workloads/operators.ts';

const withinMs = 4_000;
const members = ['ACME', 'GLOBEX'];

export const operators = scenarioOf({
  name: 'operators',
  version: 5,
  about: 'flows that are STUCK: retried, edited, skipped, killed or forgotten, until the deadline of the hospital',
  withinMs,
  settleMs: 40 * 60_000,
  workloads: [{ of: hospital, flows: 30 }],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 3 }).map((node) => ({
      ...node,
      settings: { ...node.settings, hospital: '10 min' as const },
    }));
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 15, withinMs: withinMs }) };
  },
});

/** Clients that follow flows from worker to worker while everything fails under them. */
import { drawFaults } from '../draw-faults.ts';
import { drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';
import { followers } from '../workloads/followers.ts';

const withinMs = 2_000;
const members = ['ACME', 'GLOBEX'];

export const feeds = scenarioOf({
  name: 'feeds',
  version: 3,
  about: 'followers of flows that go from worker to worker, and hear how each flow has ended',
  withinMs,
  settleMs: 10 * 60_000,
  workloads: [
    { of: errands, flows: 20 },
    { of: followers, flows: 4 },
  ],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 3 });
    return { nodes, network: {}, faults: drawFaults(draw, { nodes, count: 8, withinMs }) };
  },
});

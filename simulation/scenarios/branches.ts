/** Flows that do several things at once, while everything around them fails. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { branches as several } from '../workloads/branches.ts';
import { signals } from '../workloads/signals.ts';

const withinMs = 2_000;
const members = ['ACME', 'GLOBEX'];

export const branches = scenarioOf({
  name: 'branches',
  version: 3,
  about: 'races, tasks beside each other, signals and cancels from outside; who loses takes nothing',
  withinMs,
  settleMs: 30 * 60_000,
  workloads: [
    { of: several, flows: 25 },
    { of: signals, flows: 12 },
  ],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 3 });
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 12, withinMs }) };
  },
});

/** Rolling restarts with newer code. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { upgrade as tours } from '../workloads/upgrade.ts';

const withinMs = 4_000;
const members = ['ACME', 'GLOBEX'];

export const upgrade = scenarioOf({
  name: 'upgrade',
  version: 4,
  about: 'workers are stopped, upgraded, added and taken away one by one while flows of two versions are under way',
  withinMs,
  settleMs: 10 * 60_000,
  workloads: [{ of: tours, flows: 40 }],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: draw.whole(3, 5) });
    return {
      nodes,
      network: drawNetwork(draw),
      faults: [
        ...drawFaults(draw, { nodes, count: 6, withinMs, words: ['scale', 'stop', 'move'] }),
        ...drawFaults(draw, { nodes, count: 6, withinMs }),
      ],
    };
  },
});

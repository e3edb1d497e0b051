/** The smallest world with everything in it. It runs first, and most often. */
import type { PlannedNode } from 'weir/testing';
import { drawFaults } from '../draw-faults.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';

const withinMs = 1_500;
const members = ['ACME', 'GLOBEX'];

export const small = scenarioOf({
  name: 'small',
  version: 4,
  about: '2 members, 2 workers, 20 flows with those that answer, 5 faults: a little of everything',
  withinMs,
  settleMs: 10 * 60_000,
  // Each errand is answered by a flow of the other side.
  workloads: [{ of: errands, flows: 10 }],
  world(draw) {
    const apart = draw.odds(0.5);
    const common = { shards: draw.whole(1, 3), forceLogRoute: draw.odds(0.3) };
    const nodes: PlannedNode[] = apart
      ? members.map((member, index) => ({ name: `node-${index}`, members: [member], workers: 1, ...common }))
      : [{ name: 'node-0', members, workers: 2, ...common }];
    const lossy = draw.odds(0.3);
    return {
      nodes,
      network: { lose: lossy ? 0.05 : 0, repeat: lossy ? 0.05 : 0 },
      faults: drawFaults(draw, { nodes, count: 5, withinMs }),
    };
  },
});

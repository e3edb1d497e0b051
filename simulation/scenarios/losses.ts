/** Brokers that lose what they had acknowledged: that is noticed where it shows, and then nobody works on. */
import type { PlannedNode } from 'weir/testing';
import { drawFaults } from '../draw-faults.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';

const withinMs = 4_000;
const members = ['ACME', 'GLOBEX'];

export const losses = scenarioOf({
  name: 'losses',
  version: 1,
  about: 'a node of 2 or 3 workers on Kafka, one of whose shards loses its newest commits by an unclean election',
  withinMs,
  workloads: [{ of: errands, flows: 60 }],
  world(draw) {
    const node: PlannedNode = {
      name: 'node-0',
      members,
      workers: draw.whole(2, 3),
      shards: draw.whole(2, 4),
      forceLogRoute: draw.odds(0.3),
      log: 'kafka',
      logLatencyMs: draw.pick([
        { min: 0.05, max: 1 },
        { min: 5, max: 50 },
      ]),
    };
    const nodes = [node];
    const at = draw.whole(500, withinMs - 500);
    const partition = draw.whole(0, node.shards - 1);
    const worker = draw.whole(0, node.workers - 1);
    // Whoever made the lost commits is there and finds out, or is gone with what it knew.
    const gone = draw.odds(0.6)
      ? draw.several(node.workers, (index) => ({
          at: Math.max(0, at - draw.whole(0, 40)),
          what: { type: 'crash' as const, node: node.name, worker: index, downMs: draw.whole(20, 800) },
        }))
      : [];
    return {
      nodes,
      network: {},
      faults: [
        ...gone,
        {
          at,
          what: {
            type: 'brokers',
            node: node.name,
            partition,
            what: 'unclean election',
            forMs: draw.pick([5, 50, 400]),
          },
        },
        {
          at: at + draw.whole(1, 500),
          what: { type: 'move', node: node.name, partition, worker, rude: draw.odds(0.5) },
        },
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['move', 'lost-ack', 'slow', 'hang', 'stop'] }),
      ],
    };
  },
});

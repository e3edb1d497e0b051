/** Operators who drain, move and configure the workers of a node while flows run and workers fail. */
import type { PlannedNode } from 'weir/testing';
import { drawBrokenHandOvers, drawFaults } from '../draw-faults.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';
import { naps } from '../workloads/naps.ts';
import { orders as ordersGiven } from '../workloads/orders.ts';

const withinMs = 6_000;
const members = ['ACME', 'GLOBEX'];

export const orders = scenarioOf({
  name: 'orders',
  version: 3,
  about: 'a node of 2 or 3 workers on Kafka: drained, moved and configured by operators while owners and brokers fail',
  withinMs,
  settleMs: 20 * 60_000,
  workloads: [
    { of: ordersGiven, flows: 12 },
    { of: errands, flows: 15 },
    { of: naps, flows: 15 },
  ],
  world(draw) {
    const node: PlannedNode = {
      name: 'node-0',
      members,
      workers: draw.whole(2, 3),
      shards: draw.whole(1, 4),
      forceLogRoute: draw.odds(0.3),
      cluster: true,
      log: 'kafka',
      logLatencyMs: draw.odds(0.3) ? { min: 5, max: 100 } : { min: 0.05, max: 1 },
    };
    const nodes = [node];
    return {
      nodes,
      network: {},
      faults: [
        ...drawBrokenHandOvers(draw, { nodes, count: 4, withinMs }),
        ...drawFaults(draw, { nodes, count: 4, withinMs, words: ['crash', 'stop', 'hang', 'move'] }),
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['lost-ack', 'slow', 'brokers', 'fenced-writer'] }),
      ],
    };
  },
});

/** Shards whose log is Kafka: owners that stand still and come back, brokers that forget, move and fall behind. */
import type { PlannedNode } from 'weir/testing';
import { drawFaults } from '../draw-faults.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';

const withinMs = 3_000;
const members = ['ACME', 'GLOBEX'];

export const kafka = scenarioOf({
  name: 'kafka',
  version: 1,
  about: 'a node of 2 or 3 workers on Kafka: claims, fences, late requests, moves, faults of brokers',
  withinMs,
  workloads: [{ of: errands, flows: 15 }],
  world(draw) {
    const node: PlannedNode = {
      name: 'node-0',
      members,
      workers: draw.whole(2, 3),
      shards: draw.whole(1, 3),
      forceLogRoute: draw.odds(0.3),
      log: 'kafka',
      logLatencyMs: draw.pick([
        { min: 0.05, max: 1 },
        { min: 1, max: 30 },
        { min: 5, max: 300 },
      ]),
    };
    const nodes = [node];
    return {
      nodes,
      network: {},
      faults: [
        ...drawFaults(draw, { nodes, count: 4, withinMs, words: ['hang', 'move', 'lost-ack', 'slow'] }),
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['brokers'] }),
        ...drawFaults(draw, { nodes, count: 2, withinMs, words: ['crash', 'stop', 'fenced-writer', 'slow-worker'] }),
      ],
    };
  },
});

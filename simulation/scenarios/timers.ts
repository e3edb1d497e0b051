/** Timers of milliseconds and of days, races of messages with timeouts, retries. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { timers as ringing } from '../workloads/timers.ts';

const withinMs = 3_000;
const members = ['ACME', 'GLOBEX', 'INITECH'];

export const timers = scenarioOf({
  name: 'timers',
  version: 5,
  about: 'sleeps, timeouts that race with messages, retries; nothing wakes early, everything wakes',
  withinMs,
  settleMs: 60 * 24 * 60 * 60 * 1_000,
  workloads: [{ of: ringing, flows: 40 }],
  world(draw) {
    const nodes = drawNodes(draw, {
      members,
      nodes: draw.whole(1, 3),
      workers: 4,
      kafkaOdds: draw.odds(0.3) ? 0.5 : 0,
    });
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 12, withinMs: withinMs }) };
  },
});

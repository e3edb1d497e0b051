/** Everything at once. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';
import { fanOut } from '../workloads/fan-out.ts';
import { operators } from '../workloads/operators.ts';
import { payments } from '../workloads/payments.ts';
import { storm } from '../workloads/storm.ts';
import { timers } from '../workloads/timers.ts';
import { upgrade } from '../workloads/upgrade.ts';

const withinMs = 10_000;
const members = ['ACME', 'GLOBEX', 'INITECH', 'HOOLI', 'WAYNE'];

export const swarm = scenarioOf({
  name: 'swarm',
  version: 7,
  about:
    '5 members, 6 workers, 500 flows with those that answer, 50 faults: all the others at once, with settings drawn at random',
  withinMs,
  settleMs: 60 * 24 * 60 * 60 * 1_000,
  // With those that answer they are about 500 flows.
  workloads: [
    { of: payments, flows: 70 },
    { of: errands, flows: 40 },
    { of: timers, flows: 35 },
    { of: fanOut, flows: 55 },
    { of: storm, flows: 40 },
    { of: operators, flows: 20 },
    { of: upgrade, flows: 12 },
  ],
  world(draw) {
    const nodes = drawNodes(draw, {
      members,
      nodes: draw.whole(1, 5),
      workers: 6,
      kafkaOdds: draw.odds(0.4) ? 0.5 : 0,
    }).map((node) => ({
      ...node,
      settings: { ...node.settings, retention: '2 min' as const, hospital: '5 min' as const, audit: '4 min' as const },
    }));
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 50, withinMs }) };
  },
});

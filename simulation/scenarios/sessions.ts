/** Sessions and how they end, while everything around them fails. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { conversations, silenceMs } from '../workloads/conversations.ts';

const withinMs = 3_000;
const members = ['ACME', 'GLOBEX', 'INITECH'];

export const sessions = scenarioOf({
  name: 'sessions',
  version: 3,
  about: 'handshakes, silences, words for flows that have ended and for sessions that are forgotten',
  withinMs,
  settleMs: 90 * 60_000,
  workloads: [{ of: conversations, flows: 40 }],
  world(draw) {
    const { retention, idle } = silenceMs;
    const windows = { retention, redeliver: retention, hospital: retention, stepTimeout: retention, idle };
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 3), workers: 4 }).map((node) => ({
      ...node,
      settings: { ...node.settings, ...windows },
    }));
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 12, withinMs }) };
  },
});

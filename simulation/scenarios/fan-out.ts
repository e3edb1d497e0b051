/** Many around one: sessions with many, chains of sessions, crowds around one actor. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { fanOut as crowds } from '../workloads/fan-out.ts';

const withinMs = 2_000;
const members = ['ACME', 'GLOBEX', 'INITECH'];

export const fanOut = scenarioOf({
  name: 'fan-out',
  version: 5,
  about: 'one flow asks many, chains, long streams, hundreds of messages for one actor; half of it through the log',
  withinMs,
  settleMs: 10 * 60_000,
  workloads: [{ of: crowds, flows: 120 }],
  world(draw) {
    const nodes = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 3 }).map((node) => ({
      ...node,
      forceLogRoute: draw.odds(0.5),
    }));
    // What is lost with the last messages of a stream is not made good by those that follow.
    const late = drawFaults(draw, { nodes, count: 12, withinMs: 1_000, words: ['full-mailbox'] });
    const faults = [
      ...drawFaults(draw, { nodes, count: 10, withinMs }),
      ...late.map(({ at, what }) => ({ at: at + withinMs - 100, what })),
    ];
    return { nodes, network: drawNetwork(draw), faults };
  },
});

/** Five banks that pay each other's customers while everything around them fails. */
import { drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { payments as payment } from '../workloads/payments.ts';

const withinMs = 4_000;
const banks = ['BANK-A', 'BANK-B', 'BANK-C', 'BANK-D', 'BANK-E'];

export const payments = scenarioOf({
  name: 'payments',
  version: 4,
  about: '5 banks on 3 to 5 nodes with 6 workers: reservation, refusal, timeouts, returns; money is conserved',
  withinMs,
  settleMs: 10 * 60_000,
  workloads: [{ of: payment, flows: 60 }],
  world(draw) {
    const nodes = drawNodes(draw, { members: banks, nodes: draw.whole(3, 5), workers: 6 });
    return { nodes, network: drawNetwork(draw), faults: drawFaults(draw, { nodes, count: 15, withinMs }) };
  },
});

/** Services that fail as a whole, and not only shards: what supervisors are there for. */
import type { SimFault, Timed } from 'weir/testing';
import type { Draw } from '../draw.ts';
import { drawBrokenHandOvers, drawFaults } from '../draw-faults.ts';
import { drawNetwork, drawNodes } from '../draw-world.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';
import { naps } from '../workloads/naps.ts';

const withinMs = 3_000;
const members = ['ACME', 'GLOBEX'];

export const services = scenarioOf({
  name: 'services',
  version: 4,
  about: 'services are crashed, hung and flooded, some past their budget, while flows are started and run',
  withinMs,
  settleMs: 20 * 60_000,
  workloads: [
    { of: errands, flows: 30 },
    { of: naps, flows: 10 },
  ],
  world(draw) {
    const drawn = drawNodes(draw, { members, nodes: draw.whole(1, 2), workers: 3, kafkaOdds: 0.3 });
    const nodes = drawn.map((node) => ({ ...node, errors: true as const }));
    const failures = draw.several(draw.whole(2, 10), () => {
      const { name: node, workers, shards } = draw.pick(nodes);
      return failuresOf(draw, { node, worker: draw.whole(0, workers - 1) }, shards);
    });
    return {
      nodes,
      network: drawNetwork(draw),
      faults: [
        ...withoutAnEnd(failures.flat()),
        ...drawFaults(draw, { nodes, count: 3, withinMs }),
        ...drawBrokenHandOvers(draw, { nodes, count: 4, withinMs }),
      ],
    };
  },
});

/** One more than a service may fail in a minute. */
const pastBudget = 6;

/** A failure of a service: once, or so often that its supervisor gives it up. */
function failuresOf(
  draw: Draw,
  here: { readonly node: string; readonly worker: number },
  shards: number,
): Timed<SimFault>[] {
  const shard = `/services/flow/shard-${draw.whole(0, shards - 1)}` as const;
  const on = draw.pick(['/services/flow', '/services/rpc', shard, '/services'] as const);
  // Some outlast the watchdog.
  const forMs = draw.odds(0.5) ? draw.whole(8_000, 30_000) : draw.whole(10, 2_000);
  const what = draw.pick<SimFault>([
    { type: 'crash', ...here, on },
    { type: 'hang', ...here, on, for: forMs },
    { type: 'full-mailbox', ...here, on, for: forMs },
  ]);
  const at = draw.whole(0, withinMs);
  const times = draw.odds(0.3) ? pastBudget : 1;
  // Each comes when the service may be back from the one before.
  const betweenMs = draw.whole(500, 4_000);
  return Array.from({ length: times }, (_, time) => ({ at: at + time * betweenMs, what }));
}

/**
 * A service that is down stays so until an operator acts. The node goes on as long as it has another one, so the one
 * that only answers clients must not go down: they would ask for ever.
 */
function withoutAnEnd(failures: readonly Timed<SimFault>[]): Timed<SimFault>[] {
  const counts = new Map<string, number>();
  return failures.filter(({ what }) => {
    if ((what.type !== 'crash' && what.type !== 'hang') || what.on !== '/services/rpc') return true;
    const worker = `${what.node}/${what.worker}`;
    const count = (counts.get(worker) ?? 0) + 1;
    counts.set(worker, count);
    return count < pastBudget;
  });
}

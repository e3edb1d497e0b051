/** Shards whose log is Kafka: owners that stand still and come back, brokers that forget, move and fall behind. */
import type { BrokerFault, PlannedNode, SimFault, Timed } from 'weir/testing';
import type { Draw } from '../draw.ts';
import { drawBrokenHandOvers, drawFaults } from '../draw-faults.ts';
import { scenarioOf } from '../workload.ts';
import { errands } from '../workloads/errands.ts';
import { naps } from '../workloads/naps.ts';

const members = ['ACME', 'GLOBEX'];

export const kafka = scenarioOf({
  name: 'kafka',
  version: 5,
  about: 'a node of 2 or 3 workers on Kafka: claims, fences, late requests, moves, faults of brokers',
  withinMs: 6_000,
  settleMs: 10 * 60_000,
  workloads: [
    { of: errands, flows: 50 },
    { of: naps, flows: 20 },
  ],
  world(draw) {
    // Nothing happens to a shard before it runs, which takes many seconds where brokers are slow; and members of a group
    // hear of a hand-over only with their next heartbeat.
    const { logLatencyMs, withinMs } = draw.pick([
      { logLatencyMs: { min: 0.05, max: 1 }, withinMs: 6_000 },
      { logLatencyMs: { min: 5, max: 100 }, withinMs: 6_000 },
      { logLatencyMs: { min: 50, max: 600 }, withinMs: 40_000 },
    ]);
    const node: PlannedNode = {
      name: 'node-0',
      members,
      workers: draw.whole(2, 3),
      shards: draw.whole(1, 3),
      forceLogRoute: draw.odds(0.3),
      log: 'kafka',
      logLatencyMs,
    };
    const nodes = [node];
    return {
      withinMs,
      nodes,
      network: {},
      faults: [
        // Owners change all the time, under load: what a claim misses is in the few milliseconds before its fence.
        ...drawFaults(draw, { nodes, count: 8, withinMs, words: ['move'] }),
        ...drawBrokenHandOvers(draw, { nodes, count: 6, withinMs }),
        ...newProducers(draw, node, 'epochs used up', withinMs),
        ...newProducers(draw, node, 'late claim', withinMs),
        ...withheldStatuses(draw, node, withinMs),
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['lost-ack'] }),
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['hang', 'slow'] }),
        ...drawFaults(draw, { nodes, count: 3, withinMs, words: ['brokers'] }),
        ...drawFaults(draw, { nodes, count: 2, withinMs, words: ['crash', 'stop', 'fenced-writer', 'slow-worker'] }),
      ],
    };
  },
});

/**
 * The next owners have another producer id, and the one before does not know that it is none any more. With a late claim
 * the fence of one more, under the old id, arrives behind that of the next owner.
 */
function newProducers(
  draw: Draw,
  { name: node, shards, workers }: PlannedNode,
  what: BrokerFault,
  withinMs: number,
): Timed<SimFault>[] {
  const at = draw.whole(0, withinMs);
  const partition = draw.whole(0, shards - 1);
  const reachMs = draw.pick([3, 1_000]);
  const move = (worker: number): SimFault => ({ type: 'move', node, partition, worker, rude: true });
  return [
    { at, what: { type: 'brokers', node, partition, what, forMs: 3_000 } },
    ...draw.several(workers, (worker) => ({ at: at + draw.whole(1, reachMs), what: move(worker) })),
  ];
}

/** An owner goes that has committed what nobody has been told yet: whoever comes after it has to tell. */
function withheldStatuses(
  draw: Draw,
  { name: node, shards, workers }: PlannedNode,
  withinMs: number,
): Timed<SimFault>[] {
  const at = draw.whole(0, withinMs);
  const partition = draw.whole(0, shards - 1);
  const forMs = draw.whole(200, 2_000);
  const worker = draw.whole(0, workers - 1);
  return [
    { at, what: { type: 'brokers', node, partition, what: 'statuses short of replicas', forMs } },
    { at: at + draw.whole(20, forMs), what: { type: 'crash', node, worker, downMs: draw.whole(20, 2_000) } },
  ];
}

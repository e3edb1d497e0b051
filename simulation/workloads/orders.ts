/**
 * Orders: operators drain workers and let them take shards again, move shards, and restart the workers of a node with
 * another configuration, one after the other, while shards wander between those that have it and those that do not.
 */
import { configurationOf, type Invariant, type SimEvent, type World } from 'weir/testing';
import { z } from 'zod';
import { pause, until } from '../time.ts';
import { workload } from '../workload.ts';

const act = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rest'), id: z.string(), member: z.string(), worker: z.int(), forMs: z.int() }),
  z.object({ kind: z.literal('move'), id: z.string(), member: z.string(), worker: z.int(), partition: z.int() }),
  z.object({ kind: z.literal('configure'), node: z.string(), maxHotFlows: z.int() }),
]);

type Act = z.output<typeof act>;

const firstMaxHotFlows = 100;
/** A worker that has no answer from a shard gives up on it within this time; what it does then must not be an act again. */
const afterwardsMs = 45_000;

export const orders = workload({
  name: 'orders',
  act,
  draw: (draw, { nodes, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const { name: node, members, workers, shards } = draw.pick(nodes);
      const here = { id: `order-${index}`, member: draw.pick(members), worker: draw.whole(0, workers - 1) };
      const what = draw.pick<Act>([
        { kind: 'rest', ...here, forMs: draw.whole(1, 2_000) },
        { kind: 'move', ...here, partition: draw.whole(0, shards - 1) },
        { kind: 'configure', node, maxHotFlows: draw.whole(1, 9) },
      ]);
      return { at: draw.whole(0, withinMs), what };
    }),
  prepare() {
    const wanted = new Map<string, number>();
    const ofNode = (node: string): number => wanted.get(node) ?? firstMaxHotFlows;
    return {
      flows: () => [],
      actors: [],
      settings: ({ name }) => ({ maxHotFlows: ofNode(name) }),
      async perform(what, at) {
        if (what.kind === 'configure') {
          wanted.set(what.node, what.maxHotFlows);
          for (const index of at.node(what.node).workers.keys()) await at.restart(what.node, index);
          return;
        }
        const { kind, id, member, worker } = what;
        if (kind === 'move') {
          await at.clients.order(member, id, { type: 'move', partition: what.partition, worker });
        } else {
          await rest(at, what);
        }
        await pause(at, afterwardsMs);
      },
      describe: (what) =>
        what.kind === 'configure'
          ? `${what.node} is restarted with room for ${what.maxHotFlows} hot flows`
          : `${what.id}: ${what.kind === 'move' ? `shard ${what.partition} moves to` : `for ${what.forMs} ms no shards for`} worker ${what.worker}`,
      invariants: [runAsConfigured(ofNode)],
    };
  },
});

/** Drains a worker, and lets it take shards again whatever comes in between. */
async function rest(world: World, { id, member, worker, forMs }: Extract<Act, { kind: 'rest' }>): Promise<void> {
  await world.clients.order(member, id, { type: 'drain', worker });
  await pause(world, forMs);
  await until(world, async () =>
    (await world.clients.order(member, id, { type: 'undrain', worker })) ? true : undefined,
  );
}

const configuration = z.object({ maxHotFlows: z.int() });

/** Every commit says, or the shard said before, with what it is run: what its worker was started with. */
function runAsConfigured(wanted: (node: string) => number): Invariant {
  const processes = new Map<string, number>();
  /** By claim. */
  const claims = new Map<string, number | undefined>();
  return {
    name: 'shards say what they are run with',
    hears: ['up', 'claimed', 'applied'],
    event(event, violate) {
      const worker = `${event.node}/${event.worker}`;
      if (event.type === 'up') processes.set(worker, wanted(event.node));
      if (event.type === 'claimed') claims.set(claimOf(event), processes.get(worker));
      if (event.type !== 'applied') return;
      const runWith = claims.get(claimOf(event));
      const said = configuration.safeParse(configurationOf(event)).data?.maxHotFlows;
      if (said !== runWith) violate(`${claimOf(event)} is run with ${runWith} hot flows, and its state says ${said}`);
    },
  };
}

function claimOf({ node, shard, term }: Extract<SimEvent, { type: 'claimed' | 'applied' }>): string {
  return `${node}/${shard.partition} as term ${term.incarnation}.${term.counter}`;
}

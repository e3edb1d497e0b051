/**
 * Upgrades in the middle: the workers of a node are restarted one after the other with a newer version of their flows,
 * while flows of both versions are under way.
 */
import { flow, protocol } from 'weir';
import { flowsOf, type Invariant, type World } from 'weir/testing';
import { z } from 'zod';
import { workload } from '../workload.ts';

const tour = z.object({ peer: z.string(), stops: z.int(), pauseMs: z.int() });

const act = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tour'), member: z.string(), id: z.string(), input: tour }),
  z.object({ kind: z.literal('upgrade'), node: z.string() }),
]);

const guiding = protocol('upgrade.guiding', {
  version: 1,
  initiator: { where: z.object({ stop: z.int() }) },
  responder: { there: z.object({ stop: z.int() }) },
});

const visited = z.array(z.int());

/** The flows as one version of the code has them; what a stop leaves behind is the version that was there. */
function flowsOfVersion(version: number) {
  const travel = flow('upgrade.tour', {
    version,
    result: visited,
    states: { start: tour, stop: tour.extend({ visited }) },
    stages: {
      *start(input, { become, now }) {
        yield* now();
        return become('stop', { ...input, visited: [] });
      },
      *stop({ visited: before, ...input }, { session, sleep, step, become }) {
        if (before.length === input.stops) return before;
        const guide = yield* session(input.peer, guiding, { name: String(before.length) });
        yield* guide.send('where', { stop: before.length });
        const { body } = yield* guide.receive();
        yield* sleep(input.pauseMs);
        const here = yield* step('look', () => version);
        return body.stop === before.length ? become('stop', { ...input, visited: [...before, here] }) : before;
      },
    },
  });
  const guide = flow('upgrade.guide', {
    version,
    responds: guiding,
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator }) {
        const { body } = yield* initiator.receive();
        yield* initiator.send('there', body);
      },
    },
  });
  return { travel, guide };
}

const first = flowsOfVersion(1);
const second = flowsOfVersion(2);

export const upgrade = workload({
  name: 'upgrade',
  act,
  draw(draw, { members, nodes, flows, withinMs }) {
    const tours = draw.several(flows, (index) => {
      const input = { peer: draw.pick(members), stops: draw.whole(1, 4), pauseMs: draw.whole(1, 400) };
      const what = { kind: 'tour' as const, member: draw.pick(members), id: `tour-${index}`, input };
      return { at: draw.whole(0, withinMs), what };
    });
    const upgrades = nodes
      .filter(() => draw.odds(0.7))
      .map(({ name }) => ({
        at: draw.whole(Math.floor(withinMs / 4), withinMs),
        what: { kind: 'upgrade' as const, node: name },
      }));
    return [...tours, ...upgrades];
  },
  prepare() {
    const upgraded = new Set<string>();
    const stops = new Map<string, number>();
    return {
      flows: ({ name }) => Object.values(upgraded.has(name) ? second : first),
      actors: [],
      async perform(what, world) {
        if (what.kind === 'upgrade') {
          upgraded.add(what.node);
          return roll(world, what.node);
        }
        const { member, id, input } = what;
        const name = `${member}/${id}`;
        stops.set(name, input.stops);
        // Whoever starts a flow knows it by its name and its input, not by the version of a worker.
        await world.clients.start(member, first.travel, input, name);
      },
      describe: (what) =>
        what.kind === 'upgrade'
          ? `${what.node} is upgraded`
          : `${what.id} of ${what.member}: ${what.input.stops} stops`,
      invariants: [noOlderCode(stops)],
    };
  },
});

/** One worker after the other, as a rolling restart does. */
async function roll(world: World, node: string): Promise<void> {
  for (const index of world.node(node).workers.keys()) await world.restart(node, index);
}

/** A flow that newer code has run is never run by older code again, and every tour makes all of its stops. */
function noOlderCode(stops: ReadonlyMap<string, number>): Invariant {
  let ended = 0;
  return {
    name: 'no older code',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, version, status, result, clientRequestId: id } of flowsOf(event)) {
        if (!name.startsWith('upgrade.') || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${name} ${id} is ${status}`);
        if (name === 'upgrade.guide') continue;
        ended += 1;
        const versions = visited.parse(result);
        if (versions.length !== stops.get(id)) violate(`${id} made ${versions.length} stops of ${stops.get(id)}`);
        const back = versions.some((one, index) => one < (versions[index - 1] ?? 1) || one > version);
        if (back) violate(`${id} of version ${version} was run by ${versions.join()}`);
      }
    },
    end(_world, violate) {
      if (ended !== stops.size) violate(`${stops.size} tours were started, ${ended} have completed`);
    },
  };
}

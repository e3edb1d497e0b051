/**
 * Followers: clients that follow the flows of a node from worker to worker, whichever is up. Each keeps the position of
 * the last thing that it was told, and nothing else, and must hear how every flow that was accepted has ended.
 */
import type { MemberName } from 'weir';
import type { Invariant, Plan, World } from 'weir/testing';
import { z } from 'zod';
import { workload } from '../workload.ts';

const act = z.object({
  member: z.string(),
  id: z.string(),
  /** How long it stays with one worker; 0: until it is told everything. */
  stayMs: z.int(),
  /** How long it waits before it asks the next one. */
  pauseMs: z.int(),
});

type Act = z.output<typeof act>;

interface Follower {
  position: string | undefined;
  readonly ended: Set<string>;
}

const name = 'followers';

export const followers = workload({
  name,
  act,
  draw: (draw, { members, flows }) =>
    draw.several(flows, (index) => ({
      at: draw.whole(0, 100),
      what: {
        member: draw.pick(members),
        id: `follower-${index}`,
        stayMs: draw.odds(0.5) ? draw.whole(10, 2_000) : 0,
        pauseMs: draw.whole(1, 300),
      },
    })),
  prepare(plan) {
    const starts = startsOf(plan);
    const resets: string[] = [];
    return {
      flows: () => [],
      actors: [],
      async perform({ member, id, stayMs, pauseMs }: Act, at) {
        const follower: Follower = { position: undefined, ended: new Set() };
        while (!knowsAll(follower, member, starts, at)) {
          const reset = await follow(follower, { member, id, stayMs }, at);
          if (reset !== undefined) resets.push(`${id}: ${reset}`);
          await new Promise<void>((resolve) => void at.outside.after(pauseMs, resolve));
        }
      },
      describe: ({ member, id, stayMs }) =>
        `${id} follows the node of ${member}${stayMs === 0 ? '' : `, ${stayMs} ms at each worker`}`,
      invariants: [nobodyBeginsAnew(resets)],
    };
  },
});

/** What it is told by one worker. Gives why it had to begin anew, if it had. */
async function follow(
  follower: Follower,
  { member, id, stayMs }: Pick<Act, 'member' | 'id' | 'stayMs'>,
  { clients, outside }: World,
): Promise<string | undefined> {
  let reset: string | undefined;
  await clients.ask(member, id, 'changes', async (node) => {
    const leave = new AbortController();
    if (stayMs > 0) outside.after(stayMs, () => leave.abort());
    const { position: from } = follower;
    const options = { signal: leave.signal, ...(from === undefined ? {} : { from }) };
    for await (const change of node.watch({}, options)) {
      follower.position = change.position;
      if (change.type === 'reset') reset = change.why;
      if (change.type === 'flow' && !['RUNNING', 'STUCK'].includes(change.flow.status)) {
        follower.ended.add(change.flow.flowId);
      }
      if (change.type === 'current' && stayMs === 0) return;
    }
  });
  return reset;
}

/** All flows that clients start have been accepted, and it was told of the end of each one on its node. */
function knowsAll({ ended }: Follower, member: string, starts: number, { clients, nodes }: World): boolean {
  const accepted = clients.accepted();
  const own = nodes.find(({ planned }) => planned.members.some((one) => sameName(one, member)))?.planned.members ?? [];
  return (
    accepted.length === starts &&
    accepted.every(({ member: of, flowId }) => !own.some((one) => sameName(one, of)) || ended.has(flowId))
  );
}

function sameName(one: MemberName, other: MemberName): boolean {
  const nameOf = (member: MemberName): string => (typeof member === 'string' ? member : member.name);
  return nameOf(one) === nameOf(other);
}

/** Acts of other workloads: each starts one flow. */
function startsOf({ actions }: Plan<unknown>): number {
  const of = z.object({ of: z.string() });
  return actions.filter(({ what }) => of.parse(what).of !== name).length;
}

/** Flows are kept for a day here, so there is always a place to go on from. */
function nobodyBeginsAnew(resets: readonly string[]): Invariant {
  return {
    name: 'feeds go on where they were',
    hears: [],
    event: () => undefined,
    end(_world, violate) {
      for (const reset of resets) violate(reset);
    },
  };
}

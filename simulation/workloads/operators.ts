/**
 * Operators: flows that a bug puts into the hospital, and people who retry, correct, skip and kill them, or forget about
 * them. A partner at the other end of a session hears how it ended.
 */
import { FlowError, flow, persistentActor, protocol } from 'weir';
import type { World } from 'weir/testing';
import { z } from 'zod';
import { ofEachWorld, theWorld } from '../running.ts';
import { takesTime, until } from '../time.ts';
import { workload } from '../workload.ts';
import { actsInOrder, bothHearTheSame, type Ended } from './operator-invariants.ts';
import { jobName, partnerName } from './operator-names.ts';

const job = z.object({ job: z.string(), partner: z.string(), value: z.int(), workMs: z.int(), atBench: z.boolean() });

const kinds = ['retry', 'edit', 'skip', 'kill', 'kill early', 'leave'] as const;

const act = z.object({
  kind: z.enum(kinds),
  member: z.string(),
  id: z.string(),
  partner: z.string(),
  /** Retries that come before the bug is mended. */
  inVain: z.int(),
  workMs: z.int(),
  /** A persistent actor does the work, instead of a step. */
  atBench: z.boolean(),
});

type Act = z.output<typeof act>;

const partnering = protocol('operators.partnering', {
  version: 1,
  initiator: { begin: z.object({ job: z.string() }), done: z.object({ value: z.int() }) },
  responder: { noted: z.object({}) },
});

const goodValue = 7;
const skippedValue = 9;

/** Whose work fails. */
const brokenOf = ofEachWorld(() => new Set<string>());

function flowsOfAll() {
  const workOn = (id: string, value: number): number => {
    if (brokenOf().has(id) || value < 0) throw new TypeError('a bug');
    return value;
  };

  const bench = persistentActor('operators.bench', {
    version: 1,
    state: z.object({ done: z.int() }),
    initial: () => ({ done: 0 }),
    messages: { work: { body: z.object({ value: z.int() }), reply: z.int() } },
    on: { work: ({ done }, { value }, { key }) => ({ state: { done: done + 1 }, reply: workOn(key, value) }) },
  });

  const work = flow(jobName, {
    version: 1,
    result: z.int(),
    states: { start: job, finish: job },
    stages: {
      *start({ job: id, partner, value, workMs, atBench }, { session, step, actor, become }) {
        const peer = yield* session(partner, partnering);
        yield* peer.send('begin', { job: id });
        const found = atBench
          ? yield* actor(bench, id).ask('work', { value })
          : yield* step('work', async () => {
              await takesTime(theWorld(), workMs, null);
              return workOn(id, value);
            });
        return become('finish', { job: id, partner, value: found, workMs, atBench });
      },
      *finish({ partner, value }, { session }) {
        const peer = yield* session(partner, partnering);
        yield* peer.send('done', { value });
        return value;
      },
    },
  });

  const partner = flow(partnerName, {
    version: 1,
    responds: partnering,
    result: z.object({ job: z.string(), heard: z.union([z.int(), z.string()]) }),
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator }) {
        let id = '';
        try {
          for (;;) {
            const message = yield* initiator.receive();
            // An edited start begins anew, and says so again.
            if (message.type === 'begin') id = message.body.job;
            else return { job: id, heard: message.body.value };
          }
        } catch (error) {
          if (error instanceof FlowError) return { job: id, heard: error.code };
          throw error;
        }
      },
    },
  });
  return { work, partner, bench };
}

const { work, partner, bench } = flowsOfAll();

export const operators = workload({
  name: 'operators',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const kind = draw.odds(0.7) ? draw.pick(['retry', 'edit', 'skip', 'kill'] as const) : draw.pick(kinds);
      const partner = draw.pick(members);
      const workMs = draw.odds(0.5) ? 0 : draw.whole(1, 400);
      const what = {
        kind,
        member: draw.pick(members),
        id: `job-${index}`,
        partner,
        inVain: draw.whole(0, 2),
        workMs,
        atBench: draw.odds(0.3),
      };
      return { at: draw.whole(0, withinMs), what };
    }),
  prepare() {
    const ended = new Map<string, Ended>();
    return {
      flows: () => [work, partner],
      actors: [bench],
      async perform(order, at) {
        const name = `${order.member}/${order.id}`;
        const broken = brokenOf();
        if (order.kind !== 'edit') broken.add(name);
        const value = order.kind === 'edit' ? -1 : goodValue;
        const started = await at.clients.start(
          order.member,
          work,
          { job: name, partner: order.partner, value, workMs: order.workMs, atBench: order.atBench },
          name,
        );
        if (started === undefined) throw new Error(`${name} was refused`);
        ended.set(name, await operate(order, name, at, broken));
      },
      describe: ({ kind, member, id, partner: other }) => `${id} of ${member} with ${other}: ${kind}`,
      invariants: [bothHearTheSame(ended), actsInOrder()],
    };
  },
});

/** What operators do until the flow has ended; answers what must have become of it. */
async function operate(
  { kind, member, id, partner, inVain, workMs, atBench }: Act,
  name: string,
  world: World,
  broken: Set<string>,
): Promise<Ended> {
  const { clients } = world;
  const flow = { member, clientRequestId: name };
  if (kind === 'kill early') {
    broken.delete(name);
    await clients.ask(member, id, 'kill', (node) => node.kill(flow, 'early'));
  }
  let tries = 0;
  const status = await until(world, async () => {
    const view = await clients.view(member, name);
    // A worker that has not heard of it yet knows nothing; ended flows are remembered for longer than between two looks.
    if (view === undefined || view.status === 'RUNNING') return undefined;
    if (view.status !== 'STUCK') return view.status;
    tries += 1;
    switch (kind) {
      case 'retry':
        if (tries > inVain) broken.delete(name);
        await clients.ask(member, id, 'retry', (node) => node.retry(flow, `try ${tries}`));
        return undefined;
      case 'edit': {
        const state = { job: name, partner, value: goodValue, workMs, atBench };
        await clients.ask(member, id, 'edit', (node) => node.retryWith(flow, state, 'a better value'));
        return undefined;
      }
      case 'skip':
        await clients.ask(member, id, 'skip', (node) => node.skip(flow, skippedValue, 'known already'));
        return undefined;
      case 'kill':
        // What many are asked for at once is done to each by itself; who is refused is asked again.
        await clients.ask<unknown>(member, id, 'kill', (node) =>
          tries % 2 === 1 ? node.killAll({ flowIds: [view.flowId] }, 'given up') : node.kill(flow, 'given up'),
        );
        return undefined;
      case 'kill early':
      case 'leave':
        return undefined;
    }
  });
  return { kind, status, value: kind === 'skip' ? skippedValue : goodValue };
}

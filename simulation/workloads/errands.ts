/**
 * Errands: a little of everything in one short flow. A step, a session with the other side, a persistent actor that
 * counts the errand, a sleep.
 */
import { flow, persistentActor, protocol } from 'weir';
import { actorsOf, flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { stepBegins, takesTime } from '../time.ts';
import { workload } from '../workload.ts';

const errand = z.object({ to: z.string(), amount: z.int(), pauseMs: z.int(), stepMs: z.int() });

const act = errand.extend({ member: z.string(), id: z.string() });

type Act = z.output<typeof act>;

const asking = protocol('errands.asking', {
  version: 1,
  initiator: { ask: z.object({ amount: z.int() }) },
  responder: { answer: z.object({ amount: z.int() }) },
});

/** Counts each errand of a member. */
const tally = persistentActor('errands.tally', {
  version: 1,
  state: z.object({ total: z.int(), errands: z.array(z.string()) }),
  initial: () => ({ total: 0, errands: [] }),
  messages: { add: { body: z.object({ errand: z.string(), amount: z.int() }), reply: z.int() } },
  on: {
    add: (state, { errand: id, amount }) => ({
      state: { total: state.total + amount, errands: [...state.errands, id] },
      reply: state.total + amount,
    }),
  },
});

const tallyState = tally.state;

/** Made once: a schema is compiled when it is first used. */
const stateOfTell = z.object({ amount: z.int() });
const startOfAnswer = z.object({ from: z.object({ name: z.string() }) });

function flowsOfAll() {
  const run = flow('errands.run', {
    version: 1,
    result: z.int(),
    states: { start: errand, tell: stateOfTell },
    stages: {
      *start({ to, amount, pauseMs, stepMs }, { step, session, sleep, become }) {
        const doubled = yield* step('double', ({ id }) => {
          stepBegins(theWorld(), id);
          return takesTime(theWorld(), stepMs, 2 * amount);
        });
        const peer = yield* session(to, asking);
        yield* peer.send('ask', { amount: doubled });
        const { body } = yield* peer.receive();
        if (pauseMs > 0) yield* sleep(pauseMs);
        return become('tell', { amount: body.amount });
      },
      *tell({ amount }, { actor, flowId }) {
        yield* actor(tally, 'all').ask('add', { errand: flowId, amount });
        return amount;
      },
    },
  });
  const answer = flow('errands.answer', {
    version: 1,
    responds: asking,
    states: { start: startOfAnswer },
    stages: {
      *start(_, { initiator, step }) {
        const { body } = yield* initiator.receive();
        const amount = yield* step('raise', () => body.amount + 1);
        yield* initiator.send('answer', { amount });
      },
    },
  });
  return { run, answer };
}

const { run, answer } = flowsOfAll();

export const errands = workload({
  name: 'errands',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const member = draw.pick(members);
      const pauseMs = draw.odds(0.3) ? draw.whole(1, 500) : 0;
      const what = {
        member,
        id: `errand-${index}`,
        to: draw.pick(members),
        amount: draw.whole(1, 100),
        pauseMs,
        stepMs: draw.whole(0, 3),
      };
      return { at: draw.whole(0, withinMs), what };
    }),
  prepare() {
    const asked = new Map<string, number>();
    return {
      flows: () => [run, answer],
      actors: [tally],
      async perform({ member, id, ...input }: Act, at) {
        asked.set(id, 2 * input.amount + 1);
        await at.clients.start(member, run, input, id);
      },
      describe: ({ member, id, to }) => `${id}: ${member} asks ${to}`,
      invariants: [eachErrandOnce(asked)],
    };
  },
});

/** Each errand is counted once, with what it came to, and nothing else is. */
function eachErrandOnce(asked: ReadonlyMap<string, number>): Invariant {
  const ended = new Map<string, number>();
  const counted = new Map<string, number>();
  return {
    name: 'each errand once',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, flowId, clientRequestId, status, result } of flowsOf(event)) {
        if (name !== 'errands.run') continue;
        if (status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${clientRequestId} is ${status}`);
        if (result !== asked.get(clientRequestId)) violate(`${clientRequestId} came to ${result}`);
        ended.set(flowId, Number(result));
      }
      for (const { member, state } of actorsOf(event, tally.name)) {
        const { total, errands: all } = tallyState.parse(state);
        const twice = all.find((id, place) => all.indexOf(id) !== place);
        if (twice !== undefined) violate(`${twice} was counted twice`);
        counted.set(member, total);
      }
    },
    end(_world, violate) {
      const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, one) => all + one, 0);
      if (ended.size !== asked.size) violate(`${asked.size} errands were started, ${ended.size} have completed`);
      const [flows, actors] = [sum(ended.values()), sum(counted.values())];
      if (flows !== actors) violate(`flows came to ${flows}, the tallies to ${actors}`);
    },
  };
}

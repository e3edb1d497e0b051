/**
 * Branches: flows that do several things at once. Races between messages, steps, sleeps and a branch with a cleanup; steps
 * beside each other, a few at a time; flows that are cancelled from outside. What they did, and in which
 * order, they note in a diary of their own: a persistent actor, so each note is there once.
 */
import { flow, type Operation, persistentActor, protocol } from 'weir';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { pause, takesTime, until } from '../time.ts';
import { workload } from '../workload.ts';
import { diariesAgree, type Expected } from './branch-invariants.ts';

const racer = z.object({ peer: z.string(), count: z.int(), pauseMs: z.int(), waitMs: z.int(), workMs: z.int() });
const fan = z.object({ workMs: z.array(z.int()), concurrency: z.int() });
const waiter = z.object({ afterMs: z.int() });

const act = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('race'), member: z.string(), id: z.string(), input: racer }),
  z.object({ kind: z.literal('all'), member: z.string(), id: z.string(), input: fan }),
  z.object({ kind: z.literal('cancel'), member: z.string(), id: z.string(), input: waiter }),
]);

const counting = protocol('branches.counting', {
  version: 1,
  initiator: { count: z.object({ to: z.int(), pauseMs: z.int() }) },
  responder: { number: z.int() },
});

/** What a flow has done, in order; one for each flow. */
const diary = persistentActor('branches.diary', {
  version: 1,
  state: z.array(z.string()),
  initial: () => [],
  messages: { note: { body: z.string(), reply: z.null() } },
  on: { note: (notes, note) => ({ state: [...notes, note], reply: null }) },
});

/** Longer with each time, so that a flow whose peer is down for long does not go round for ever. */
const longer = (ms: number, round: number): number => ms * 2 ** Math.min(round, 8);

function flowsOfAll() {
  const race = flow('branches.race', {
    version: 1,
    result: z.object({ heard: z.array(z.int()), won: z.array(z.string()) }),
    states: { start: racer },
    stages: {
      *start({ peer, count, pauseMs, waitMs, workMs }, { session, actor, race: raceOf, sleep, step, flowId }) {
        const { ask } = actor(diary, flowId);
        function* guarded(round: number): Operation<void> {
          try {
            yield* sleep('1 day');
          } finally {
            yield* ask('note', `undone ${round}`);
          }
        }
        const counter = yield* session(peer, counting);
        yield* counter.send('count', { to: count, pauseMs });
        const heard: number[] = [];
        const won: string[] = [];
        for (let round = 0; heard.length < count; round++) {
          const first = yield* raceOf({
            number: counter.receive(),
            late: sleep(longer(waitMs, round)),
            work: step('work', () => takesTime(theWorld(), longer(workMs, round), null)),
            guarded: guarded(round),
          });
          if (first.type === 'number') heard.push(first.value.body);
          won.push(first.type);
          yield* ask('note', `${round} ${first.type}`);
        }
        return { heard, won };
      },
    },
  });

  const count = flow('branches.count', {
    version: 1,
    responds: counting,
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator, sleep }) {
        const { to, pauseMs } = (yield* initiator.receive()).body;
        for (let number = 1; number <= to; number++) {
          if (pauseMs > 0) yield* sleep(pauseMs);
          yield* initiator.send('number', number);
        }
      },
    },
  });

  const all = flow('branches.all', {
    version: 1,
    result: z.object({ results: z.array(z.int()), order: z.array(z.int()) }),
    states: { start: fan },
    stages: {
      *start({ workMs, concurrency }, { all: allOf, actor, step, flowId }) {
        const { ask } = actor(diary, flowId);
        const order: number[] = [];
        function* item(ms: number, place: number): Operation<number> {
          yield* step(`work ${place}`, () => takesTime(theWorld(), ms, null));
          order.push(place);
          yield* ask('note', `${place}`);
          return place;
        }
        const results = yield* allOf(workMs.map(item), { concurrency });
        return { results, order };
      },
    },
  });

  const cancel = flow('branches.cancel', {
    version: 1,
    states: { start: waiter },
    stages: {
      *start(_, { all: allOf, actor, sleep, flowId }) {
        const { ask } = actor(diary, flowId);
        function* guarded(name: string): Operation<void> {
          try {
            yield* ask('note', `${name} begins`);
            yield* sleep('1 day');
          } finally {
            yield* ask('note', `${name} ends`);
          }
        }
        yield* allOf([guarded('one'), guarded('two')]);
      },
    },
  });
  return { race, count, all, cancel };
}

const { race, count, all, cancel } = flowsOfAll();

export const branches = workload({
  name: 'branches',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const whose = { member: draw.pick(members), id: `branch-${index}` };
      const at = draw.whole(0, withinMs);
      const kind = draw.pick(['race', 'race', 'race', 'all', 'cancel'] as const);
      switch (kind) {
        case 'race': {
          const times = { pauseMs: draw.whole(0, 60), waitMs: draw.whole(2, 60), workMs: draw.whole(2, 60) };
          return {
            at,
            what: { kind, ...whose, input: { peer: draw.pick(members), count: draw.whole(2, 8), ...times } },
          };
        }
        case 'all': {
          const workMs = draw.several(draw.whole(2, 12), () => draw.whole(0, 80));
          return { at, what: { kind, ...whose, input: { workMs, concurrency: draw.whole(1, 6) } } };
        }
        case 'cancel':
          return { at, what: { kind, ...whose, input: { afterMs: draw.whole(0, 500) } } };
      }
    }),
  prepare() {
    const expected = new Map<string, Expected>();
    return {
      flows: () => [race, count, all, cancel],
      actors: [diary],
      async perform(what, at) {
        const name = `${what.member}/${what.id}`;
        const whose = { member: what.member, clientRequestId: name };
        const { clients } = at;
        switch (what.kind) {
          case 'race':
            expected.set(name, { kind: 'race', count: what.input.count });
            return void (await clients.start(what.member, race, what.input, name));
          case 'all':
            expected.set(name, { kind: 'all', count: what.input.workMs.length });
            return void (await clients.start(what.member, all, what.input, name));
          case 'cancel':
            expected.set(name, { kind: 'cancel', count: 2 });
            await clients.start(what.member, cancel, what.input, name);
            await pause(at, what.input.afterMs);
            // A worker that has not heard of it yet knows nothing, and one that has seen its end refuses.
            await until(at, async () => {
              await clients.ask(what.member, name, 'cancel', (node) => node.cancel(whose, 'changed my mind'));
              const view = await clients.view(what.member, name);
              return view === undefined || view.status === 'RUNNING' ? undefined : view;
            });
        }
      },
      describe: ({ kind, member, id }) => `${id}: a ${kind} of ${member}`,
      invariants: [diariesAgree(diary, expected)],
    };
  },
});

/**
 * Sabotage: flows that end the worker they run on, wherever that is, beside flows that do their work. The ones are found
 * and put into the hospital; the others finish, and nobody else is taken for the cause.
 */
import { flow } from 'weir';
import { flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { takesTime } from '../time.ts';
import { workload } from '../workload.ts';

const places = ['first line', 'step', 'slow step', 'woken'] as const;

const act = z.object({
  member: z.string(),
  id: z.string(),
  /** Where it ends its worker; none for one that works. */
  ends: z.enum(places).optional(),
  workMs: z.int(),
});

const work = z.object({ workMs: z.int() });
const sabotage = z.object({ ends: z.enum(places), workMs: z.int() });

const bombName = 'sabotage.bomb';
const citizenName = 'sabotage.citizen';
/** Workers that one such flow may cost: it is found earlier where nothing lasts long. */
const deathsEach = 8;

function flowsOfAll() {
  const end = (): void => {
    const [node = '', worker = ''] = theWorld().scheduler.current?.name.split('/') ?? [];
    theWorld()
      .node(node)
      .workers.find(({ name }) => name === worker)
      ?.crash('a flow has ended it');
  };
  const bomb = flow(bombName, {
    version: 1,
    states: { start: sabotage },
    stages: {
      *start({ ends, workMs }, { step, sleep }) {
        if (ends === 'first line') end();
        yield* step('work', () => takesTime(theWorld(), workMs, null));
        if (ends === 'step') yield* step('end', end);
        if (ends === 'slow step') yield* step('end slowly', () => takesTime(theWorld(), 10 * workMs, null).then(end));
        yield* sleep(workMs);
        end();
      },
    },
  });
  const citizen = flow(citizenName, {
    version: 1,
    result: z.int(),
    states: { start: work },
    stages: {
      *start({ workMs }, { step, sleep }) {
        const first = yield* step('work', () => takesTime(theWorld(), workMs, 1));
        yield* sleep(workMs);
        return first + (yield* step('work on', () => takesTime(theWorld(), 5 * workMs, 1)));
      },
    },
  });
  return { bomb, citizen };
}

const { bomb, citizen } = flowsOfAll();

export const saboteurs = workload({
  name: 'sabotage',
  act,
  draw(draw, { members, flows, withinMs }) {
    const bombs = draw.whole(1, 3);
    return draw.several(flows, (index) => {
      const ends = index < bombs ? draw.pick(places) : undefined;
      const what = {
        member: draw.pick(members),
        id: `${ends === undefined ? 'citizen' : 'bomb'}-${index}`,
        ...(ends === undefined ? {} : { ends }),
        workMs: draw.odds(0.8) ? draw.whole(0, 20) : draw.whole(20, 600),
      };
      return { at: draw.whole(0, withinMs), what };
    });
  },
  prepare() {
    const started = { bombs: 0, citizens: 0 };
    return {
      flows: () => [bomb, citizen],
      actors: [],
      async perform({ member, id, ends, workMs }, at) {
        if (ends === undefined) {
          started.citizens += 1;
          await at.clients.start(member, citizen, { workMs }, id);
        } else {
          started.bombs += 1;
          await at.clients.start(member, bomb, { ends, workMs }, id);
        }
      },
      describe: ({ member, id, ends }) => `${id} of ${member}${ends === undefined ? '' : ` ends its worker: ${ends}`}`,
      invariants: [foundAndNobodyElse(started)],
    };
  },
});

/** Each of those flows is found after a few deaths; no other one is ever STUCK, and all others complete. */
function foundAndNobodyElse(started: { readonly bombs: number; readonly citizens: number }): Invariant {
  const found = new Set<string>();
  const completed = new Set<string>();
  let deaths = 0;
  return {
    name: 'flows that end workers are found, and no others',
    hears: ['applied', 'down'],
    event(event, violate) {
      if (event.type === 'down' && event.why !== 'stopped') {
        deaths += 1;
        if (deaths > deathsEach * started.bombs) violate(`${started.bombs} flows have ended ${deaths} workers`);
      }
      for (const { flow: name, flowId, clientRequestId, status, fault } of flowsOf(event)) {
        if (name === citizenName && status === 'COMPLETED') completed.add(flowId);
        else if (name === citizenName && status !== 'RUNNING')
          violate(`${clientRequestId} is ${status}: ${fault?.message}`);
        if (name !== bombName || status !== 'STUCK') continue;
        if (fault?.code !== 'WEIR_FLOW_CRASHED') violate(`${clientRequestId} is STUCK: ${fault?.message}`);
        found.add(flowId);
      }
    },
    end(_world, violate) {
      if (completed.size !== started.citizens) {
        violate(`${started.citizens} flows were started that work, ${completed.size} have completed`);
      }
      if (found.size !== started.bombs) violate(`${found.size} of ${started.bombs} flows that end workers were found`);
    },
  };
}

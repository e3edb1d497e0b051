/**
 * Naps: flows that do a little, sleep a little, and may be woken, many times in short visits. Between two steps nothing
 * but their records says what they are: a shard that moves while they are at it is full of flows that have just changed.
 */
import { flow } from 'weir';
import { flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { pause, stepBegins, takesTime } from '../time.ts';
import { workload } from '../workload.ts';

const sleeper = z.object({ naps: z.array(z.int()), visitNaps: z.int(), stepMs: z.int() });
const act = z.object({ member: z.string(), id: z.string(), wakes: z.array(z.int()), input: sleeper });
const night = z.object({ naps: z.array(z.int()), woken: z.array(z.int()) });

const doze = flow('naps.doze', {
  version: 1,
  result: night,
  signals: { wake: z.int() },
  states: { start: sleeper, doze: sleeper.extend({ slept: night }) },
  stages: {
    *start(input, { step, become }) {
      yield* step('lie down', ({ id }) => stepBegins(theWorld(), id));
      return become('doze', { ...input, slept: { naps: [], woken: [] } });
    },
    *doze({ naps, visitNaps, stepMs, slept }, { step, sleep, signal, become }) {
      const woken = [...slept.woken];
      const now = naps.slice(0, visitNaps);
      for (const nap of now) {
        yield* step('turn over', ({ id }) => {
          stepBegins(theWorld(), id);
          return takesTime(theWorld(), stepMs, undefined);
        });
        if (nap % 2 === 0) yield* sleep(nap);
        else {
          const word = yield* signal(['wake'], { within: nap });
          if (word.type !== 'timedOut') woken.push(word.body);
        }
      }
      const all = { naps: [...slept.naps, ...now], woken };
      const left = naps.slice(visitNaps);
      return left.length === 0 ? all : become('doze', { naps: left, visitNaps, stepMs, slept: all });
    },
  },
});

export const naps = workload({
  name: 'naps',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const input = {
        naps: draw.several(draw.whole(5, 25), () => draw.whole(1, 300)),
        visitNaps: draw.whole(1, 4),
        stepMs: draw.whole(0, 2),
      };
      const wakes = draw.several(draw.odds(0.5) ? draw.whole(1, 6) : 0, () => draw.whole(1, 600));
      return { at: draw.whole(0, withinMs), what: { member: draw.pick(members), id: `nap-${index}`, wakes, input } };
    }),
  prepare() {
    const wanted = new Map<string, readonly number[]>();
    return {
      flows: () => [doze],
      actors: [],
      async perform({ member, id, wakes, input }, at) {
        const name = `${member}/${id}`;
        wanted.set(name, input.naps);
        const { clients } = at;
        if ((await clients.start(member, doze, input, name)) === undefined) return;
        for (const [number, afterMs] of wakes.entries()) {
          await pause(at, afterMs);
          // It may have ended, or be known to nobody yet at the worker that is asked: then it sleeps on.
          await clients.ask(member, name, `wake ${number}`, (node) =>
            node.signal(doze, { member, clientRequestId: name }, 'wake', number, { signalId: `${name}:${number}` }),
          );
        }
      },
      describe: ({ member, id, wakes, input }) =>
        `${id} of ${member} takes ${input.naps.length} naps, and is woken ${wakes.length} times`,
      invariants: [eachNapOnce(wanted)],
    };
  },
});

/** Each nap is taken once, in order, and nobody is woken twice by one call. */
function eachNapOnce(wanted: ReadonlyMap<string, readonly number[]>): Invariant {
  const ended = new Set<string>();
  return {
    name: 'each nap once',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, clientRequestId: id, status, result } of flowsOf(event)) {
        if (name !== 'naps.doze' || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${id} is ${status}`);
        const { naps: taken, woken } = night.parse(result);
        if (String(taken) !== String(wanted.get(id))) violate(`${id} was to nap ${wanted.get(id)}, and did ${taken}`);
        if (new Set(woken).size < woken.length) violate(`${id} was woken by ${woken}`);
        ended.add(id);
      }
    },
    end(_world, violate) {
      if (ended.size !== wanted.size) violate(`${wanted.size} flows were to nap, ${ended.size} have ended`);
    },
  };
}

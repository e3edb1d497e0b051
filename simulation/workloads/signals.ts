/**
 * Signals: flows that are told numbers from outside, over and over until they are known to have them, while tasks that
 * they have begun work beside them. Each number is heard once, in order, and each task ends.
 */
import { flow, type Operation } from 'weir';
import { flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { pause, takesTime, until } from '../time.ts';
import { workload } from '../workload.ts';

const listener = z.object({ count: z.int(), quietMs: z.int(), workMs: z.int() });
const act = z.object({ member: z.string(), id: z.string(), gapMs: z.int(), input: listener });
const story = z.object({ heard: z.array(z.int()), worked: z.array(z.int()) });

/** Longer with each time, so that a flow that is told nothing for long does not go round for ever. */
const longer = (ms: number, round: number): number => ms * 2 ** Math.min(round, 10);

const listen = flow('signals.listen', {
  version: 1,
  result: story,
  signals: { number: z.int() },
  states: { start: listener },
  stages: {
    *start({ count, quietMs, workMs }, { signal, sleep, spawn, step }) {
      function* watch(): Operation<void> {
        for (let round = 0; ; round++) yield* sleep(longer(quietMs, round));
      }
      function* work(number: number): Operation<number> {
        return yield* step(`work on ${number}`, () => takesTime(theWorld(), workMs, number));
      }
      const watcher = yield* spawn(watch());
      const heard: number[] = [];
      const tasks = [];
      for (let late = 0; heard.length < count; ) {
        const word = yield* signal(['number'], { within: longer(quietMs, late) });
        if (word.type === 'timedOut') late += 1;
        else {
          heard.push(word.body);
          tasks.push(yield* spawn(work(word.body)));
        }
      }
      yield* watcher.cancel();
      const worked: number[] = [];
      for (const task of tasks) worked.push(yield* task.join());
      return { heard, worked };
    },
  },
});

export const signals = workload({
  name: 'signals',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const input = { count: draw.whole(1, 6), quietMs: draw.whole(5, 200), workMs: draw.whole(0, 300) };
      const what = { member: draw.pick(members), id: `listener-${index}`, gapMs: draw.whole(0, 150), input };
      return { at: draw.whole(0, withinMs), what };
    }),
  prepare() {
    const counts = new Map<string, number>();
    return {
      flows: () => [listen],
      actors: [],
      async perform({ member, id, gapMs, input }, at) {
        const name = `${member}/${id}`;
        counts.set(name, input.count);
        const { clients } = at;
        const to = { member, clientRequestId: name };
        const started = await clients.start(member, listen, input, name);
        if (started === undefined) return;
        for (let number = 1; number <= input.count; number++) {
          await pause(at, gapMs);
          // A worker that has not heard of the flow yet knows none. What nobody has answered is said again, and refused
          // where it was heard, and was the last one that the flow waited for.
          const signalId = `${name}:${number}`;
          await until(at, async () => {
            const told = await clients.ask(member, name, `signal ${number}`, async (node) => {
              await node.signal(listen, to, 'number', number, { signalId });
              return true;
            });
            const ended = told ?? (await clients.view(member, name))?.status;
            return ended === 'RUNNING' ? undefined : ended;
          });
        }
      },
      describe: ({ member, id, input }) => `${id} of ${member} is told ${input.count} numbers`,
      invariants: [heardOnceInOrder(counts)],
    };
  },
});

function heardOnceInOrder(counts: ReadonlyMap<string, number>): Invariant {
  const ended = new Set<string>();
  return {
    name: 'signals are heard once, in order',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, clientRequestId: id, status, result } of flowsOf(event)) {
        if (name !== 'signals.listen' || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${id} is ${status}`);
        const { heard, worked } = story.parse(result);
        const told = Array.from({ length: counts.get(id) ?? 0 }, (_, index) => index + 1);
        if (String(heard) !== String(told)) violate(`${id} was told ${told}, and has heard ${heard}`);
        if (String(worked) !== String(told)) violate(`${id} was told ${told}, and its tasks have worked on ${worked}`);
        ended.add(id);
      }
    },
    end(_world, violate) {
      if (ended.size !== counts.size) violate(`${counts.size} flows were to listen, ${ended.size} have ended`);
    },
  };
}

/**
 * Timers: sleeps of milliseconds and of days, receives that time out at the very moment a message comes, steps that fail
 * for a while and are tried again.
 */
import { flow, protocol, TransientError } from 'weir';
import { flowsOf, type Invariant, type Plan } from 'weir/testing';
import { z } from 'zod';
import { ofEachWorld, theWorld } from '../running.ts';
import { takesTime } from '../time.ts';
import { workload } from '../workload.ts';

const waiter = z.object({ peer: z.string(), waitMs: z.int(), ringAfterMs: z.int() });
const sleeper = z.object({ naps: z.array(z.int()) });
const retrier = z.object({ fails: z.int(), attempts: z.int() });

const act = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('waiter'), member: z.string(), id: z.string(), input: waiter }),
  z.object({ kind: z.literal('sleeper'), member: z.string(), id: z.string(), input: sleeper }),
  z.object({ kind: z.literal('retrier'), member: z.string(), id: z.string(), input: retrier }),
]);

const ringing = protocol('timers.ringing', {
  version: 1,
  initiator: { ring: z.object({ afterMs: z.int() }) },
  responder: { rang: z.object({}) },
});

const dayMs = 24 * 60 * 60 * 1_000;

const waited = z.object({ timedOut: z.boolean(), waitedMs: z.int(), wantedMs: z.int() });
const slept = z.object({ sleptMs: z.int(), wantedMs: z.int() });
const tried = z.object({ attempt: z.int(), fails: z.int() });

function flowsOfAll() {
  /** How often the body of a step has failed: it is outside of Weir, as whatever a step calls is. */
  const failures = ofEachWorld(() => new Map<string, number>());

  const wait = flow('timers.wait', {
    version: 1,
    result: waited,
    states: { start: waiter },
    stages: {
      *start({ peer, waitMs, ringAfterMs }, { session, now }) {
        const bell = yield* session(peer, ringing);
        yield* bell.send('ring', { afterMs: ringAfterMs });
        const from = yield* now();
        const word = yield* bell.receive({ within: waitMs });
        const until = yield* now();
        // The message that came too late for the first is there for the second.
        if (word.type === 'timedOut') yield* bell.receive();
        return { timedOut: word.type === 'timedOut', waitedMs: until.getTime() - from.getTime(), wantedMs: waitMs };
      },
    },
  });

  const bell = flow('timers.bell', {
    version: 1,
    responds: ringing,
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator, sleep }) {
        const { body } = yield* initiator.receive();
        if (body.afterMs > 0) yield* sleep(body.afterMs);
        yield* initiator.send('rang', {});
      },
    },
  });

  const sleep = flow('timers.sleep', {
    version: 1,
    result: slept,
    states: { start: sleeper, more: sleeper.extend({ from: z.date(), wantedMs: z.int() }) },
    stages: {
      *start({ naps }, { now, become }) {
        const from = yield* now();
        return become('more', { naps, from, wantedMs: naps.reduce((sum, nap) => sum + nap, 0) });
      },
      *more({ naps: [nap, ...naps], from, wantedMs }, context) {
        if (nap === undefined) {
          const until = yield* context.now();
          return { sleptMs: until.getTime() - from.getTime(), wantedMs };
        }
        yield* context.sleep(nap);
        return context.become('more', { naps, from, wantedMs });
      },
    },
  });

  const retry = flow('timers.retry', {
    version: 1,
    result: tried,
    states: { start: retrier },
    stages: {
      *start({ fails, attempts }, { step }) {
        const attempt = yield* step(
          'fickle',
          async ({ id, attempt: now }) => {
            await takesTime(theWorld(), 1, undefined);
            const failed = failures().get(id) ?? 0;
            if (failed >= fails) return now;
            failures().set(id, failed + 1);
            throw new TransientError('not yet');
          },
          { retry: { attempts, min: 20, max: '2 s' } },
        );
        return { attempt, fails };
      },
    },
  });
  return { wait, bell, sleep, retry };
}

const { wait, bell, sleep, retry } = flowsOfAll();

export const timers = workload({
  name: 'timers',
  act,
  draw(draw, { nodes, members, flows, withinMs }) {
    // The heartbeats of a Kafka group in all those days would be most of what happens.
    const days = nodes.every(({ log }) => log !== 'kafka');
    return draw.several(flows, (index) => {
      const whose = { member: draw.pick(members), id: `timer-${index}` };
      const at = draw.whole(0, withinMs);
      const kind = draw.pick(['waiter', 'waiter', 'sleeper', 'retrier'] as const);
      switch (kind) {
        case 'waiter': {
          const waitMs = draw.whole(5, 800);
          const ringAfterMs = Math.max(0, waitMs + draw.whole(-6, 3));
          return { at, what: { kind, ...whose, input: { peer: draw.pick(members), waitMs, ringAfterMs } } };
        }
        case 'sleeper': {
          const nap = (): number => (days && draw.odds(0.2) ? draw.whole(1, 4) * dayMs : draw.whole(1, 2_000));
          return { at, what: { kind, ...whose, input: { naps: draw.several(draw.whole(1, 4), nap) } } };
        }
        case 'retrier':
          return { at, what: { kind, ...whose, input: { fails: draw.whole(0, 6), attempts: 60 } } };
      }
    });
  },
  prepare(plan) {
    let asked = 0;
    return {
      flows: () => [wait, bell, sleep, retry],
      actors: [],
      async perform(act, { clients }) {
        asked += 1;
        const name = `${act.member}/${act.id}`;
        switch (act.kind) {
          case 'waiter':
            return void (await clients.start(act.member, wait, act.input, name));
          case 'sleeper':
            return void (await clients.start(act.member, sleep, act.input, name));
          case 'retrier':
            return void (await clients.start(act.member, retry, act.input, name));
        }
      },
      describe: ({ kind, member, id }) => `${id}: a ${kind} of ${member}`,
      invariants: [inTime(plan, () => asked)],
    };
  },
});

/** Nothing wakes before its time, and everything wakes. */
function inTime(plan: Plan<unknown>, asked: () => number): Invariant {
  // With a clock that is set back and forth nobody can say how long something took.
  const clocksAreRight = plan.faults.every(({ what }) => what.type !== 'clock-skew');
  let ended = 0;
  return {
    name: 'timers ring in time',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, status, result, clientRequestId: id } of flowsOf(event)) {
        if (!name.startsWith('timers.') || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${name} ${id} is ${status}`);
        if (name !== 'timers.bell') ended += 1;
        if (name === 'timers.retry') {
          // A process that dies in the middle of an attempt forgets it; so there may be fewer, never too few to have failed.
          const { attempt, fails } = tried.parse(result);
          if (attempt < 1 || attempt > fails + 1)
            violate(`${id} failed ${fails} times and counted ${attempt} attempts`);
        }
        if (!clocksAreRight) continue;
        if (name === 'timers.wait') {
          const { timedOut, waitedMs, wantedMs } = waited.parse(result);
          if (timedOut && waitedMs < wantedMs) violate(`${id} gave up after ${waitedMs} of ${wantedMs} ms`);
        }
        if (name === 'timers.sleep') {
          const { sleptMs, wantedMs } = slept.parse(result);
          if (sleptMs < wantedMs) violate(`${id} slept ${sleptMs} of ${wantedMs} ms`);
        }
      }
    },
    end(_world, violate) {
      if (ended !== asked()) violate(`${asked()} were started, ${ended} have completed`);
    },
  };
}

/**
 * Fan-out: one flow that asks many and gathers the answers, chains of flows over several members, streams longer than a
 * session's credit, and a crowd of flows around one persistent actor.
 */
import { flow, persistentActor, protocol } from 'weir';
import { actorsOf, flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { workload } from '../workload.ts';

const gather = z.object({ members: z.array(z.string()), value: z.int() });
const chain = z.object({ route: z.array(z.string()), value: z.int() });
const stream = z.object({ to: z.string(), count: z.int(), pauseMs: z.int() });
const crowd = z.object({ tells: z.int(), asks: z.int() });

const act = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('gather'), member: z.string(), id: z.string(), input: gather }),
  z.object({ kind: z.literal('chain'), member: z.string(), id: z.string(), input: chain }),
  z.object({ kind: z.literal('stream'), member: z.string(), id: z.string(), input: stream }),
  z.object({ kind: z.literal('crowd'), member: z.string(), id: z.string(), input: crowd }),
]);

const opened = { start: z.object({ from: z.object({ name: z.string() }) }) };

const linking = protocol('fan-out.linking', {
  version: 1,
  initiator: { relay: chain },
  responder: { value: z.object({ value: z.int() }) },
});

const streaming = protocol('fan-out.streaming', {
  version: 1,
  initiator: { begin: z.object({ count: z.int(), pauseMs: z.int() }), item: z.object({ number: z.int() }) },
  responder: { taken: z.object({ numbers: z.array(z.int()) }) },
});

/** Numbers whatever it is asked and told. */
const counter = persistentActor('fan-out.counter', {
  version: 1,
  state: z.object({ tells: z.int(), asks: z.int() }),
  initial: () => ({ tells: 0, asks: 0 }),
  messages: { tell: { body: z.object({}) }, ask: { body: z.object({}), reply: z.int() } },
  on: {
    tell: (state) => ({ state: { ...state, tells: state.tells + 1 } }),
    ask: (state) => ({ state: { ...state, asks: state.asks + 1 }, reply: state.asks + 1 }),
  },
});

const gathering = flow('fan-out.gather', {
  version: 1,
  result: z.int(),
  states: { start: gather },
  stages: {
    *start({ members, value }, { session }) {
      const asked = [];
      for (const [index, member] of members.entries()) {
        const peer = yield* session(member, linking, { name: String(index) });
        yield* peer.send('relay', { route: [], value });
        asked.push(peer);
      }
      let sum = 0;
      for (const peer of asked) sum += (yield* peer.receive()).body.value;
      return sum;
    },
  },
});

const chaining = flow('fan-out.chain', {
  version: 1,
  result: z.int(),
  states: { start: chain },
  stages: {
    *start({ route: [next, ...route], value }, { session }) {
      if (next === undefined) return value;
      const peer = yield* session(next, linking);
      yield* peer.send('relay', { route, value });
      return (yield* peer.receive()).body.value + 1;
    },
  },
});

const link = flow('fan-out.link', {
  version: 1,
  responds: linking,
  states: opened,
  stages: {
    *start(_, { initiator, session }) {
      const { body } = yield* initiator.receive();
      const { value } = body;
      const [next, ...route] = body.route;
      if (next === undefined) {
        yield* initiator.send('value', { value });
        return;
      }
      const peer = yield* session(next, linking);
      yield* peer.send('relay', { route, value });
      yield* initiator.send('value', { value: (yield* peer.receive()).body.value + 1 });
    },
  },
});

const sending = flow('fan-out.stream', {
  version: 1,
  result: z.array(z.int()),
  states: { start: stream },
  stages: {
    *start({ to, count, pauseMs }, { session }) {
      const peer = yield* session(to, streaming);
      yield* peer.send('begin', { count, pauseMs });
      for (let number = 1; number <= count; number++) yield* peer.send('item', { number });
      return (yield* peer.receive()).body.numbers;
    },
  },
});

const taking = flow('fan-out.take', {
  version: 1,
  responds: streaming,
  states: opened,
  stages: {
    *start(_, { initiator, sleep }) {
      const first = yield* initiator.receive();
      if (first.type !== 'begin') throw new Error('a stream begins with its length');
      const numbers: number[] = [];
      while (numbers.length < first.body.count) {
        const { type, body } = yield* initiator.receive();
        if (type === 'item') numbers.push(body.number);
        if (first.body.pauseMs > 0 && numbers.length % 20 === 0) yield* sleep(first.body.pauseMs);
      }
      yield* initiator.send('taken', { numbers });
    },
  },
});

const crowding = flow('fan-out.crowd', {
  version: 1,
  result: z.array(z.int()),
  states: { start: crowd },
  stages: {
    *start({ tells, asks }, { actor }) {
      const hot = actor(counter, 'hot');
      for (let told = 0; told < tells; told++) yield* hot.tell('tell', {});
      const numbers: number[] = [];
      for (let asked = 0; asked < asks; asked++) numbers.push(yield* hot.ask('ask', {}));
      return numbers;
    },
  },
});

/** What a flow must come to, where its input alone says it. */
function expectedOf(what: z.output<typeof act>): number | readonly number[] | undefined {
  switch (what.kind) {
    case 'gather':
      return what.input.members.length * what.input.value;
    case 'chain':
      return what.input.value + what.input.route.length;
    case 'stream':
      return Array.from({ length: what.input.count }, (_, index) => index + 1);
    case 'crowd':
      return undefined;
  }
}

export const fanOut = workload({
  name: 'fan-out',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const whose = { member: draw.pick(members), id: `fan-${index}` };
      const at = draw.whole(0, withinMs);
      const value = draw.whole(1, 100);
      const kind = draw.pick(['gather', 'chain', 'crowd', 'crowd', 'crowd', 'crowd', 'crowd', 'stream'] as const);
      switch (kind) {
        case 'gather': {
          const peers = draw.several(draw.whole(2, 12), () => draw.pick(members));
          return { at, what: { kind, ...whose, input: { members: peers, value } } };
        }
        case 'chain': {
          const route = draw.several(draw.whole(1, 4), () => draw.pick(members));
          return { at, what: { kind, ...whose, input: { route, value } } };
        }
        case 'stream': {
          const input = { to: draw.pick(members), count: draw.whole(10, 100), pauseMs: draw.odds(0.5) ? 5 : 0 };
          return { at, what: { kind, ...whose, input } };
        }
        case 'crowd':
          return { at, what: { kind, ...whose, input: { tells: draw.whole(0, 3), asks: draw.whole(0, 3) } } };
      }
    }),
  prepare() {
    const expected = new Map<string, ReturnType<typeof expectedOf>>();
    const crowds = new Map<string, z.output<typeof crowd>>();
    return {
      flows: () => [gathering, chaining, link, sending, taking, crowding],
      actors: [counter],
      async perform(what, { clients }) {
        const name = `${what.member}/${what.id}`;
        expected.set(name, expectedOf(what));
        switch (what.kind) {
          case 'gather':
            return void (await clients.start(what.member, gathering, what.input, name));
          case 'chain':
            return void (await clients.start(what.member, chaining, what.input, name));
          case 'stream':
            return void (await clients.start(what.member, sending, what.input, name));
          case 'crowd':
            crowds.set(name, what.input);
            return void (await clients.start(what.member, crowding, what.input, name));
        }
      },
      describe: ({ kind, member, id }) => `${id}: a ${kind} of ${member}`,
      invariants: [nothingLostOnTheWay(expected), everybodyCounted(crowds)],
    };
  },
});

/** Every answer is there, once, in order. */
function nothingLostOnTheWay(expected: ReadonlyMap<string, number | readonly number[] | undefined>): Invariant {
  let ended = 0;
  return {
    name: 'every answer is gathered',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, status, result, clientRequestId: id } of flowsOf(event)) {
        if (!name.startsWith('fan-out.') || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${name} ${id} is ${status}`);
        if (id === '') continue;
        ended += 1;
        const wanted = expected.get(id);
        if (wanted === undefined || String(wanted) === String(result)) continue;
        violate(`${id} came to ${String(result)}, and should have come to ${String(wanted)}`);
      }
    },
    end(_world, violate) {
      if (ended !== expected.size) violate(`${expected.size} were started, ${ended} have completed`);
    },
  };
}

/** The actor in the middle has counted every message once: no number is given twice, and none is missing. */
function everybodyCounted(crowds: ReadonlyMap<string, z.output<typeof crowd>>): Invariant {
  const given = new Map<string, Set<number>>();
  const counted = { tells: 0, asks: 0 };
  return {
    name: 'the counter counts everybody once',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, status, result, memberName } of flowsOf(event)) {
        if (name !== crowding.name || status !== 'COMPLETED') continue;
        const numbers = given.get(memberName) ?? new Set<number>();
        given.set(memberName, numbers);
        for (const number of z.array(z.int()).parse(result)) {
          if (numbers.has(number)) violate(`number ${number} was given twice`);
          numbers.add(number);
        }
      }
      for (const { state, before } of actorsOf(event, counter.name)) {
        const now = counter.state.parse(state);
        const old = before === undefined ? { tells: 0, asks: 0 } : counter.state.parse(before);
        counted.tells += now.tells - old.tells;
        counted.asks += now.asks - old.asks;
      }
    },
    end(_world, violate) {
      const wanted = { tells: 0, asks: 0 };
      for (const { tells, asks } of crowds.values()) {
        wanted.tells += tells;
        wanted.asks += asks;
      }
      const text = JSON.stringify(counted);
      if (text !== JSON.stringify(wanted)) violate(`${text} were counted, ${JSON.stringify(wanted)} were sent`);
    },
  };
}

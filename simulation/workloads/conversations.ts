/**
 * Conversations and their ends: handshakes, silences that last too long and some that do not, words for flows that have
 * ended, and for sessions that are forgotten.
 */
import { FlowError, flow, type InitiatorSession, type Operation, protocol, type ResponderSession } from 'weir';
import { flowsOf, type Invariant, type Plan } from 'weir/testing';
import { z } from 'zod';
import { workload } from '../workload.ts';

/** Lengths that the nodes of this workload are set to, and that its flows stay below or go beyond. */
export const silenceMs = { retention: 2 * 60_000, idle: 5 * 60_000 };

const kinds = ['handshake', 'steady', 'silent', 'late', 'forgotten', 'orphan'] as const;

const request = z.object({ kind: z.enum(kinds), peer: z.string(), words: z.int(), pauseMs: z.int() });
const act = request.extend({ member: z.string(), id: z.string() });

const begin = request.omit({ peer: true });
const words = { initiator: { begin, word: z.int() }, responder: { echo: z.int() } };

const plain = protocol('conversations.plain', { version: 1, ...words });
/** The close of this one is required. */
const agreed = protocol('conversations.agreed', { version: 1, requireClose: true, ...words });
/** This one may be silent for longer. */
const patient = protocol('conversations.patient', { version: 1, idle: '1 hour', ...words });
type Words = typeof plain;

const protocolOf = (kind: (typeof kinds)[number]): Words => {
  if (kind === 'handshake') return agreed;
  return kind === 'forgotten' ? patient : plain;
};

/** What an operation fails with; `done` when it does not. */
function* codeOf(operation: Operation<unknown>): Operation<string> {
  try {
    yield* operation;
    return 'done';
  } catch (error) {
    if (error instanceof FlowError) return error.code;
    throw error;
  }
}

const talking = flow('conversations.talk', {
  version: 1,
  result: z.string(),
  states: { start: request },
  stages: {
    *start({ peer: name, ...request }, { session, sleep }) {
      const peer = yield* session(name, protocolOf(request.kind));
      yield* peer.send('begin', request);
      switch (request.kind) {
        case 'handshake':
        case 'steady':
          return yield* codeOf(asking(peer, request, sleep));
        case 'silent':
          return yield* codeOf(peer.receive());
        case 'late':
          return yield* untilRefused(peer, sleep);
        case 'forgotten':
          yield* sleep(3 * silenceMs.retention);
          return yield* untilRefused(peer, sleep);
        case 'orphan':
          return 'done';
      }
    },
  },
});

type Sleep = (ms: number) => Operation<void>;

function* asking(peer: InitiatorSession<Words>, { words: count, pauseMs }: z.output<typeof begin>, sleep: Sleep) {
  for (let word = 0; word < count; word++) {
    yield* sleep(pauseMs);
    const { body } = yield* peer.sendAndReceive('word', word);
    if (body !== word) throw new TypeError(`said ${word}, and heard ${body}`);
  }
}

function* untilRefused(peer: InitiatorSession<Words>, sleep: Sleep): Operation<string> {
  for (;;) {
    const code = yield* codeOf(peer.send('word', 0));
    if (code !== 'done') return code;
    yield* sleep(1_000);
  }
}

const answering = (over: Words) =>
  flow(`${over.name}.answer`, {
    version: 1,
    responds: over,
    result: z.string(),
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator, sleep, failed }) {
        const first = yield* initiator.receive();
        if (first.type !== 'begin') throw new TypeError('the first word says what this is about');
        const { kind, words: count, pauseMs } = first.body;
        switch (kind) {
          case 'handshake':
          case 'steady': {
            const code = yield* codeOf(echoing(initiator, count));
            yield* sleep(pauseMs);
            return code;
          }
          case 'silent':
            yield* sleep(2 * silenceMs.idle);
            return yield* codeOf(initiator.send('echo', 0));
          case 'late':
          case 'forgotten':
            return 'done';
          case 'orphan':
            yield* sleep(2 * silenceMs.retention);
            return failed('orphaned');
        }
      },
    },
  });

function* echoing(initiator: ResponderSession<Words>, count: number): Operation<void> {
  for (let word = 0; word < count; word++) {
    const { type, body } = yield* initiator.receive();
    if (type !== 'word') throw new TypeError(`a ${type} comes once`);
    yield* initiator.send('echo', body);
  }
}

const allFlows = [talking, ...[plain, agreed, patient].map(answering)];

export const conversations = workload({
  name: 'conversations',
  act,
  draw: (draw, { members, flows, withinMs }) =>
    draw.several(flows, (index) => {
      const kind = draw.pick(kinds);
      // With less than half of the time that a session may be silent there is room for whatever holds a message up.
      const pauseMs = kind === 'steady' ? draw.whole(0, silenceMs.idle / 3) : draw.whole(0, 2_000);
      const whose = { member: draw.pick(members), id: `conversation-${index}`, peer: draw.pick(members) };
      return { at: draw.whole(0, withinMs), what: { ...whose, kind, words: draw.whole(0, 4), pauseMs } };
    }),
  prepare(plan) {
    const asked = new Map<string, (typeof kinds)[number]>();
    return {
      flows: () => allFlows,
      actors: [],
      async perform({ member, id, ...input }, { clients }) {
        const name = `${member}/${id}`;
        asked.set(name, input.kind);
        await clients.start(member, talking, input, name);
      },
      describe: ({ id, kind, member, peer }) => `${id}: ${kind}, ${member} with ${peer}`,
      invariants: [eachEndsAsItShould(plan, asked)],
    };
  },
});

const expired = 'WEIR_SESSION_EXPIRED';
/** The network kept the two apart for longer than a message is tried. */
const unreachable = 'WEIR_SESSION_FAILED';

/** What flows may say in the end; both sides of a conversation say the same kind of thing. */
const endings: Readonly<Record<(typeof kinds)[number], readonly string[]>> = {
  handshake: ['done'],
  steady: ['done'],
  silent: [expired, unreachable],
  late: ['WEIR_SESSION_CLOSED', unreachable],
  forgotten: ['WEIR_SESSION_CLOSED', expired, unreachable],
  orphan: ['done'],
};

function eachEndsAsItShould(plan: Plan<unknown>, asked: ReadonlyMap<string, (typeof kinds)[number]>): Invariant {
  // Where clocks are set back and forth nobody can say how long it was silent.
  const clocksAreRight = plan.faults.every(({ what }) => what.type !== 'clock-skew');
  const ended = new Set<string>();
  return {
    name: 'conversations end as they should',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, flowId, status, result, clientRequestId: id, fault } of flowsOf(event)) {
        if (!name.startsWith('conversations.') || status === 'RUNNING') continue;
        const orphan = status === 'FAILED' && fault?.code === 'orphaned';
        if (status !== 'COMPLETED' && !orphan) return violate(`${name} ${flowId} is ${status}: ${fault?.message}`);
        if (name !== talking.name) continue;
        ended.add(id);
        const kind = asked.get(id);
        if (kind === undefined || endings[kind].includes(String(result))) continue;
        if (clocksAreRight || result !== expired) violate(`${id}, ${kind}, came to ${String(result)}`);
      }
    },
    end(_world, violate) {
      if (ended.size !== asked.size) violate(`${asked.size} conversations were begun, ${ended.size} have ended`);
    },
  };
}

/** Flows over sessions that wait at a gate, a persistent actor that a test opens when it wants them to go on. */
import { z } from 'zod';
import { flow, persistentActor, protocol } from '../../../src/index.ts';

const deal = protocol('deal', {
  version: 1,
  initiator: { offer: z.number(), done: z.null() },
  responder: { agreed: z.string() },
});

/** Open or shut: flows ask it whether they may go on. */
export const gate = persistentActor('gate', {
  version: 1,
  state: z.object({ open: z.boolean() }),
  initial: () => ({ open: false }),
  messages: {
    open: { body: z.null(), reply: z.null() },
    read: { body: z.null(), reply: z.boolean() },
  },
  on: {
    open: () => ({ state: { open: true }, reply: null }),
    read: ({ open }) => ({ reply: open }),
  },
});

/** How often the body of each booking ran. */
export const booked = new Map<string, number>();

export const buy = flow('buy', {
  version: 1,
  result: z.string(),
  states: {
    start: z.object({ lot: z.number(), gate: z.string() }),
    wait: z.object({ reference: z.string(), gate: z.string() }),
    settle: z.object({ reference: z.string() }),
  },
  stages: {
    *start({ lot, gate: name }, { session, become }) {
      const seller = yield* session('SELLER', deal);
      yield* seller.send('offer', lot);
      const answer = yield* seller.receive();
      return become('wait', { reference: answer.type === 'agreed' ? answer.body : '', gate: name });
    },
    *wait(state, { actor, sleep, become }) {
      if (yield* actor(gate, state.gate).ask('read', null)) return become('settle', { reference: state.reference });
      yield* sleep('20 ms');
      return become('wait', state);
    },
    *settle({ reference }, { step, session }) {
      yield* step('book', ({ id }) => void booked.set(id, (booked.get(id) ?? 0) + 1));
      const seller = yield* session('SELLER', deal);
      yield* seller.send('done', null);
      return reference;
    },
  },
});

export const sell = flow('sell', {
  version: 1,
  responds: deal,
  result: z.string(),
  states: { start: z.object({ from: z.object({ name: z.string(), group: z.string() }) }) },
  stages: {
    *start(_, { initiator }) {
      const offer = yield* initiator.receive();
      yield* initiator.send('agreed', `lot ${offer.type === 'offer' ? offer.body : '?'}`);
      return (yield* initiator.receive()).type;
    },
  },
});

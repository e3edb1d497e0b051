/** The kit for flows, on flows that do a little of everything. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, FlowError, flow, persistentActor, protocol, TransientError } from '../../src/index.ts';
import { given } from '../../src/testing/index.ts';

const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.object({ item: z.string(), count: z.int() }), paid: z.object({ receipt: z.string() }) },
  responder: { agree: z.object({ price: z.bigint() }), decline: z.object({ why: z.string() }) },
});

const shelf = persistentActor('shelf', {
  version: 1,
  state: z.object({ left: z.int() }),
  initial: () => ({ left: 3 }),
  messages: { take: { body: z.int(), reply: z.int() }, put: { body: z.int() } },
  on: {
    take: ({ left }, count) => {
      if (count > left) throw new ApplicationError('SOLD_OUT', `there are only ${left}`, { left });
      return { state: { left: left - count }, reply: left - count };
    },
    put: ({ left }, count) => ({ state: { left: left + count } }),
  },
});

let charges = 0;

const buy = flow('buy', {
  version: 1,
  states: {
    start: z.object({ seller: z.string(), item: z.string(), count: z.int() }),
    pay: z.object({ seller: z.string(), price: z.bigint() }),
  },
  result: z.object({ receipt: z.string() }),
  stages: {
    *start({ seller: name, item, count }, { session, become, failed }) {
      const seller = yield* session(name, trade);
      yield* seller.send('offer', { item, count });
      const answer = yield* seller.receive({ within: '2 days' });
      if (answer.type !== 'agree') return failed('declined', answer);
      return become('pay', { seller: name, price: answer.body.price });
    },
    *pay({ seller: name, price }, { session, step, sleep }) {
      const receipt = yield* step('charge', async () => `${price} charged ${++charges} times`);
      yield* sleep('1 hour');
      const seller = yield* session(name, trade);
      yield* seller.send('paid', { receipt });
      return { receipt };
    },
  },
});

const sell = flow('sell', {
  version: 1,
  responds: trade,
  states: { start: z.object({ from: z.object({ name: z.string(), group: z.string() }) }) },
  result: z.enum(['sold', 'declined', 'given back']),
  stages: {
    *start(_opened, { initiator, actor }) {
      const offer = yield* initiator.receive();
      if (offer.type !== 'offer') throw new ApplicationError('UNEXPECTED', offer.type);
      const { item, count } = offer.body;
      try {
        yield* actor(shelf, item).ask('take', count);
      } catch (error) {
        if (!(error instanceof FlowError) || error.code !== 'SOLD_OUT') throw error;
        yield* initiator.send('decline', { why: error.message });
        return 'declined';
      }
      yield* initiator.send('agree', { price: 10n * BigInt(count) });
      try {
        const paid = yield* initiator.receive({ within: '3 days' });
        if (paid.type === 'paid') return 'sold';
      } catch (error) {
        if (!(error instanceof FlowError)) throw error;
      }
      yield* actor(shelf, item).tell('put', count);
      return 'given back';
    },
  },
});

const order = { seller: 'SELLER', item: 'chair', count: 2 };

describe('a test of a flow', () => {
  it('TK2 speaks for peers and steps, moves time, and ends with the result', async () => {
    const { effects, restarts } = await given(buy)
      .input(order)
      .session('SELLER', trade)
      .receives('offer', { item: 'chair', count: 2 })
      .advance('1 day')
      .session('SELLER', trade)
      .replies('agree', { price: 20n })
      .step('charge')
      .returns('r-1')
      .advance('1 hour')
      .session('SELLER', trade)
      .receives('paid', ({ receipt }) => receipt === 'r-1')
      .then.completed({ receipt: 'r-1' });
    expect(effects).toEqual([
      "send offer to SELLER { item: 'chair', count: 2 }",
      'step "charge"',
      'sleep 1 hour',
      "send paid to SELLER { receipt: 'r-1' }",
    ]);
    expect(restarts).toEqual(['receive from SELLER', 'step "charge"', 'sleep 1 hour', 'the end of the flow']);
  });

  it('TK2 runs the body of a step once, however often the flow is restarted', async () => {
    charges = 0;
    await given(buy)
      .stage('pay', { seller: 'SELLER', price: 20n })
      .session('SELLER', trade)
      .staysSilent()
      .advance('1 hour')
      .then.completed({ receipt: '20 charged 1 times' });
    expect(charges).toBe(1);
  });
});

describe('a test of a flow that answers', () => {
  it('TK2 speaks for the peer that opens the session, and for persistent actors', async () => {
    const { restarts } = await given(sell)
      .openedBy('ACME', trade)
      .sends('offer', { item: 'chair', count: 2 })
      .receives('agree', { price: 20n })
      .sends('paid', { receipt: 'r' })
      .actor(shelf, 'chair')
      .asked('take', 2)
      .answers(1)
      .then.completed('sold');
    expect(restarts).toEqual([
      'receive from ACME',
      'ask shelf/chair take 2',
      'receive from ACME',
      'the end of the flow',
    ]);
  });

  it('TK2 lets an actor refuse', async () => {
    await given(sell)
      .openedBy('ACME', trade)
      .sends('offer', { item: 'chair', count: 9 })
      .receives('decline', { why: 'there are only 3' })
      .actor(shelf, 'chair')
      .asked('take', 9)
      .refuses('SOLD_OUT', 'there are only 3')
      .then.completed('declined');
  });

  it('TK2 runs an actor for real from a given state', async () => {
    const stocked = given(sell).actor(shelf, 'chair').has({ left: 5 }).openedBy('ACME', trade);
    const sold = await stocked
      .sends('offer', { item: 'chair', count: 2 })
      .receives('agree')
      .sends('paid', { receipt: 'r' })
      .then.completed('sold');
    expect(sold.actor(shelf, 'chair')).toEqual({ left: 3 });
    const declined = await stocked
      .sends('offer', { item: 'chair', count: 6 })
      .receives('decline', { why: 'there are only 5' })
      .then.completed('declined');
    expect(declined.actor(shelf, 'chair')).toEqual({ left: 5 });
    expect(declined.actor(shelf, 'table')).toEqual({ left: 3 });
  });

  it.each(['closes', 'fails', 'staysSilent'] as const)('TK2 lets the peer end as peers do: it %s', async (end) => {
    await given(sell)
      .openedBy('ACME', trade)
      .sends('offer', { item: 'chair', count: 1 })
      .receives('agree')
      [end]()
      .advance('3 days')
      .actor(shelf, 'chair')
      .asked('take')
      .answers(2)
      .told('put', 1)
      .then.completed('given back');
  });
});

describe('ends of a test of a flow', () => {
  const asked = given(buy).input(order).session('SELLER', trade).receives('offer');

  it('TK2 are a stage with its state', async () => {
    const { effects } = await asked
      .replies('agree', { price: 20n })
      .then.becomes('pay', { seller: 'SELLER', price: 20n });
    expect(effects).toEqual(["send offer to SELLER { item: 'chair', count: 2 }"]);
  });

  it('TK2 are a failure with code and details', async () => {
    const declined = asked.replies('decline', { why: 'no' });
    await declined.then.failed('declined', { type: 'decline', body: { why: 'no' } });
    await asked.advance('2 days').then.failed('declined', { type: 'timedOut' });
    await asked.fails('bankrupt').then.failed('WEIR_SESSION_FAILED');
    await given(buy).input(order).then.failed('WEIR_MEMBER_UNKNOWN');
    await given(buy).input(order).session('SELLER', trade).rejects().then.failed('WEIR_SESSION_NO_RESPONDER');
  });

  it('TK2 are a wait, and what for', async () => {
    await asked.then.waits('message');
    await given(buy).stage('pay', { seller: 'S', price: 1n }).step('charge').hangs().then.waits('step');
  });

  it('TK2 are the hospital', async () => {
    const down = given(buy)
      .stage('pay', { seller: 'S', price: 1n })
      .step('charge')
      .throws(new TypeError('a part is missing'));
    await down.then.stuck('TypeError');
  });

  it('TK2 are a list of all effects', async () => {
    await asked
      .replies('agree', { price: 20n })
      .then.effects("send offer to SELLER { item: 'chair', count: 2 }")
      .becomes('pay');
  });
});

describe('a step that is tried again', () => {
  it('TK2 runs once for each line of the script, and waits between in the time of the test', async () => {
    await given(buy, { members: ['SELLER'] })
      .stage('pay', { seller: 'SELLER', price: 1n })
      .step('charge')
      .throws(new TransientError('down'))
      .step('charge')
      .returns('r-2')
      .advance('2 hours')
      .then.completed({ receipt: 'r-2' });
  });
});

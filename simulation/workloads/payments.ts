/**
 * Payments between banks: accounts are persistent actors, a payment is a session between two flows. Money is set aside,
 * then booked at the other bank, then leaves; whoever waits too long asks for it back.
 */
import { type FlowContext, FlowError, flow, type InitiatorSession, type Operation, protocol } from 'weir';
import { z } from 'zod';
import { theWorld } from '../running.ts';
import { takesTime } from '../time.ts';
import { workload } from '../workload.ts';
import { account, ended, outcome } from './payment-accounts.ts';
import { moneyIsConserved, oneOutcome } from './payment-invariants.ts';

const transfer = z.object({
  from: z.string(),
  to: z.object({ bank: z.string(), account: z.string() }),
  amount: z.int().positive(),
  /** How long the debtor's bank waits before it asks for the money back. */
  patienceMs: z.int(),
  /** How long the creditor's bank takes over it. */
  delayMs: z.int(),
});

const act = transfer.extend({ bank: z.string(), id: z.string() });

const interbank = protocol('payments.interbank', {
  version: 1,
  initiator: {
    pay: z.object({ payment: z.string(), account: z.string(), amount: z.int(), delayMs: z.int() }),
    /** The sender has waited long enough: the money back, if it can be had. */
    giveBack: z.object({}),
  },
  responder: { credited: z.object({}), refused: z.object({}), returned: z.object({}) },
});

type Outcome = z.output<typeof outcome>;

function flowsOfAll() {
  const pay = flow('payments.pay', {
    version: 1,
    result: ended,
    states: {
      start: transfer,
      ask: transfer,
      finish: z.object({ from: z.string(), outcome }),
    },
    stages: {
      *start(order, { actor, flowId, become }) {
        const { from, amount } = order;
        const reserved = yield* actor(account, from).ask('reserve', { payment: flowId, amount });
        return reserved ? become('ask', order) : { payment: flowId, outcome: 'no funds' as const };
      },
      *ask(order, context) {
        // What the other bank has done is in the next state before anything is done about it.
        return context.become('finish', { from: order.from, outcome: yield* answerFor(order, context) });
      },
      *finish({ from, outcome: done }, { actor, flowId }) {
        yield* actor(account, from).ask(done === 'settled' ? 'settle' : 'release', { payment: flowId });
        return { payment: flowId, outcome: done };
      },
    },
  });

  const take = flow('payments.take', {
    version: 1,
    responds: interbank,
    result: ended,
    states: { start: z.object({ from: z.object({ name: z.string() }) }) },
    stages: {
      *start(_, { initiator, actor, step }) {
        const request = yield* initiator.receive();
        if (request.type !== 'pay') throw new Error('the first message must be a payment');
        const { payment, account: creditor, amount, delayMs } = request.body;
        const booked = yield* actor(account, creditor).ask('credit', { payment, amount });
        if (!booked) {
          yield* initiator.send('refused', {});
          return { payment, outcome: 'refused' as const };
        }
        yield* step('check', () => takesTime(theWorld(), delayMs, null));
        const word = yield* heard(initiator.receive({ within: 1 }));
        if (word === 'giveBack' && (yield* actor(account, creditor).ask('uncredit', { payment }))) {
          yield* initiator.send('returned', {});
          return { payment, outcome: 'returned' as const };
        }
        yield* initiator.send('credited', {});
        return { payment, outcome: 'settled' as const };
      },
    },
  });
  return { pay, take };
}

const { pay, take } = flowsOfAll();

/** What the other bank says in the end. A session that fails says nothing, so the same is asked in another one. */
function* answerFor(order: z.output<typeof transfer>, context: Pick<FlowContext, 'session' | 'flowId' | 'sleep'>) {
  for (let attempt = 1; ; attempt++) {
    try {
      const bank = yield* context.session(order.to.bank, interbank, { name: `attempt ${attempt}` });
      return yield* askOnce(order, context.flowId, bank);
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
    }
    yield* context.sleep(200 * attempt);
  }
}

function* askOnce(
  { to, amount, delayMs, patienceMs }: z.output<typeof transfer>,
  payment: string,
  bank: InitiatorSession<typeof interbank>,
): Operation<Exclude<Outcome, 'no funds'>> {
  yield* bank.send('pay', { payment, account: to.account, amount, delayMs });
  let answer = yield* bank.receive({ within: patienceMs });
  if (answer.type === 'timedOut') {
    yield* bank.send('giveBack', {});
    answer = yield* bank.receive();
  }
  return answer.type === 'credited' ? 'settled' : answer.type;
}

/** The type of a message, or why there is none. */
function* heard(receive: Operation<{ readonly type: string }>): Operation<string> {
  try {
    return (yield* receive).type;
  } catch (error) {
    if (error instanceof FlowError) return error.code;
    throw error;
  }
}

export const payments = workload({
  name: 'payments',
  act,
  draw(draw, { members, flows, withinMs }) {
    const accounts = draw.several(draw.whole(1, 4), (index) => `account-${index}`);
    return draw.several(flows, (index) => {
      const bank = draw.pick(members);
      // The answer may come at the very moment at which nobody waits for it any more.
      const patienceMs = draw.odds(0.3) ? draw.whole(1, 60) : 5_000;
      const what = {
        bank,
        id: `payment-${index}`,
        from: draw.pick(accounts),
        to: { bank: draw.pick(members), account: draw.odds(0.1) ? 'closed' : draw.pick(accounts) },
        amount: draw.whole(1, 60),
        patienceMs,
        delayMs: draw.odds(0.5) ? 0 : draw.whole(1, 60),
      };
      return { at: draw.whole(0, withinMs), what };
    });
  },
  prepare() {
    const asked = new Set<string>();
    return {
      flows: () => [pay, take],
      actors: [account],
      async perform({ bank, id, ...order }, { clients }) {
        asked.add(id);
        await clients.start(bank, pay, order, `${bank}/${id}`);
      },
      describe: ({ id, bank, to, amount }) => `${id}: ${amount} from ${bank} to ${to.bank}`,
      invariants: [moneyIsConserved(), oneOutcome(asked)],
    };
  },
});

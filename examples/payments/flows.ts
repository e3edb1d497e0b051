/**
 * The flows: `pay` at the debtor's bank, `take` at the creditor's, `track` at the tracker. Owns the order of the steps,
 * which is what keeps money from appearing or vanishing, whatever dies in the middle. docs/guide/payments.md tells it at
 * length.
 */
import { type FlowContext, FlowError, flow, type InitiatorSession, type Operation } from 'weir';
import { z } from 'zod';
import { account, uetr } from './actors.ts';
import { creditTransferSchema, uetrKey } from './iso20022/index.ts';
import { interbankPayment, paymentOf, type Refusal, trackerName, tracking } from './protocol.ts';

const refusal = z.object({ code: z.enum(['AC01', 'AC04', 'AM03', 'AM04', 'AM05', 'RC01']), info: z.string() });

/** How a payment ended. Each has one outcome: what the flow returns. */
export const outcomeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('settled') }),
  refusal.extend({ type: z.literal('refused') }),
]);

export type PaymentOutcome = z.output<typeof outcomeSchema>;

/** What `pay` returns: the outcome, beside the payment that it is the outcome of. */
export const paidSchema = z.object({ outcome: outcomeSchema, transfer: creditTransferSchema });

/** What may be asked for. Files refuse an amount of zero by themselves (AM01); over HTTP it is no payment at all. */
const payable = creditTransferSchema.refine(({ amount }) => amount.minor > 0n, {
  path: ['amount', 'minor'],
  message: 'it must be more than zero',
});

/** A flow that a session starts is told who opened it. */
const openedBy = z.object({ from: z.object({ name: z.string(), group: z.string() }) });

/**
 * A payment. Up to the end of `start` nothing is owed to anybody. In `transfer` the money is set aside, and stays so
 * until the creditor's bank has said what it did. `settle` and `release` only carry out what is then certain.
 */
export const pay = flow('pay', {
  version: 1,
  result: paidSchema,
  states: {
    start: payable,
    transfer: creditTransferSchema,
    settle: z.object({ transfer: creditTransferSchema, asked: z.int() }),
    release: z.object({ transfer: creditTransferSchema, refusal }),
  },
  stages: {
    *start(transfer, context) {
      const { actor, become, member, flowId } = context;
      const { amount, debtor } = transfer;
      if (debtor.bank.id !== member.name) {
        return refused(transfer, {
          code: 'RC01',
          info: `this is ${member.name}, the debtor's bank is ${debtor.bank.id}`,
        });
      }
      // The UETR goes first: a duplicate must not set money aside, not even for a moment, or another payment of the
      // same account could be refused for want of it.
      if (transfer.uetr !== undefined && !(yield* claim(context, transfer.uetr))) {
        return refused(transfer, { code: 'AM05', info: `another payment has the UETR ${transfer.uetr}` });
      }
      const verdict = yield* actor(account, debtor.account.id).ask('reserve', { payment: flowId, amount });
      if (verdict.type === 'refused') {
        return refused(transfer, { code: verdict.code, info: `debtor: ${verdict.info}` });
      }
      return become('transfer', transfer);
    },

    *transfer(transfer, context) {
      const { become } = context;
      const { answer, asked } = yield* untilAnswered(context, (attempt) => ask(context, transfer, attempt));
      // The answer is in the next stage's state before anything is done about it. From there on this payment is never
      // asked for again.
      if (answer === 'credited') return become('settle', { transfer, asked });
      return become('release', { transfer, refusal: answer });
    },

    *settle({ transfer, asked }, { actor, flowId, session }) {
      yield* actor(account, transfer.debtor.account.id).ask('settle', { payment: flowId });
      // The creditor's bank may now forget that it has credited this payment. Not if it was asked in several sessions:
      // an earlier question may still be on its way there, and must find the payment credited when it arrives.
      if (asked === 1) {
        const creditorsBank = yield* session(transfer.creditor.bank.id, interbankPayment, { name: nameOf(1) });
        yield* creditorsBank.send('noted', {});
      }
      return { outcome: { type: 'settled' as const }, transfer };
    },

    *release({ transfer, refusal: reason }, { actor, flowId }) {
      yield* actor(account, transfer.debtor.account.id).ask('release', { payment: flowId });
      return refused(transfer, reason);
    },
  },
});

/** The creditor's bank: checks for itself, books, answers, and forgets when it may. */
export const take = flow('take', {
  version: 1,
  responds: interbankPayment,
  result: z.union([outcomeSchema, z.object({ type: z.literal('nothing') })]),
  states: { start: openedBy },
  stages: {
    *start(_opened, { initiator, actor }) {
      const request = yield* initiator.receive();
      if (request.type !== 'pay') return { type: 'nothing' as const };
      const { amount, account: creditor, uetr: reference } = request.body;
      const payment = paymentOf(initiator.peer, request.body.payment);
      // The tracker has granted it, so says the other bank. Whoever owes the money looks for himself.
      if (reference !== undefined && !(yield* actor(uetr, uetrKey(reference)).ask('claim', { payment }))) {
        const duplicate: Refusal = { code: 'AM05', info: `creditor: another payment has the UETR ${reference}` };
        yield* initiator.send('refused', duplicate);
        return { type: 'refused' as const, ...duplicate };
      }
      const verdict = yield* actor(account, creditor).ask('credit', { payment, amount });
      if (verdict.type === 'refused') {
        const reason = { code: verdict.code, info: `creditor: ${verdict.info}` };
        yield* initiator.send('refused', reason);
        return { type: 'refused' as const, ...reason };
      }
      yield* initiator.send('credited', {});
      // Only the sender's word lets the credit be forgotten. A session that ends without it (the sender asked several
      // times, or an operator killed its flow) leaves the memory in place: the sender may ask again.
      if (yield* hears(initiator.receive())) yield* actor(account, creditor).tell('forget', { payment });
      return { type: 'settled' as const };
    },
  },
});

/** The tracker: who is first to claim a UETR has it. */
export const track = flow('track', {
  version: 1,
  responds: tracking,
  states: { start: openedBy },
  stages: {
    *start(_opened, { initiator, actor }) {
      const request = yield* initiator.receive();
      const { uetr: reference, payment } = request.body;
      const asked = { payment: paymentOf(initiator.peer, payment) };
      const granted = yield* actor(uetr, uetrKey(reference)).ask('claim', asked);
      yield* initiator.send('answer', { granted });
    },
  },
});

const firstPauseMs = 200;
const longestPauseMs = 60 * 60_000;

type PayContext = Pick<FlowContext, 'flowId' | 'session' | 'sleep' | 'log'>;
type Transfer = z.output<typeof creditTransferSchema>;

/** Whether the UETR is this payment's. */
function* claim(context: PayContext, reference: string): Operation<boolean> {
  const { answer } = yield* untilAnswered(context, function* (attempt) {
    const tracker = yield* context.session(trackerName, tracking, { name: nameOf(attempt) });
    yield* tracker.send('claim', { uetr: reference, payment: context.flowId });
    return (yield* tracker.receive()).body.granted;
  });
  return answer;
}

/** What the creditor's bank did with the payment. */
function* ask(context: PayContext, transfer: Transfer, attempt: number): Operation<'credited' | Refusal> {
  const { creditor, amount, uetr: reference } = transfer;
  const unknown: Refusal = { code: 'RC01', info: `creditor: the bank ${creditor.bank.id} is unknown` };
  if (creditor.bank.id === trackerName) return unknown;
  let bank: InitiatorSession<typeof interbankPayment>;
  try {
    bank = yield* context.session(creditor.bank.id, interbankPayment, { name: nameOf(attempt) });
  } catch (error) {
    // Nothing was sent to a bank that is not there, so nothing can have been credited. Only the first attempt may say
    // so: a bank that was asked before, and has left the market since, may have booked the payment.
    if (attempt === 1 && error instanceof FlowError && error.code === 'WEIR_MEMBER_UNKNOWN') return unknown;
    throw error;
  }
  yield* bank.send('pay', { payment: context.flowId, uetr: reference, amount, account: creditor.account.id });
  const answer = yield* bank.receive();
  return answer.type === 'credited' ? 'credited' : answer.body;
}

/**
 * Asks in a new session for as long as there is no answer. A session fails when the flow at the other end is killed, or
 * cannot be reached for a day: then nobody here knows what was done there. To give up would mean either to spend the
 * money twice or to keep it for ever, so neither is done; the other end answers the same question once, whoever asks
 * again. An operator sees the flow sleep, and why in its log.
 */
function* untilAnswered<T>(
  context: PayContext,
  question: (attempt: number) => Operation<T>,
): Operation<{ readonly answer: T; readonly asked: number }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { answer: yield* question(attempt), asked: attempt };
    } catch (error) {
      // What is not recorded as the outcome of an operation is a mistake in this file: STUCK, with the money set aside.
      if (!(error instanceof FlowError)) throw error;
      context.log.warn(
        { attempt, code: error.code, error: error.message },
        'no answer; the payment is asked for again',
      );
    }
    yield* context.sleep(Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs));
  }
}

/** Whether a message came before the session's end. */
function* hears(receive: Operation<unknown>): Operation<boolean> {
  try {
    yield* receive;
    return true;
  } catch (error) {
    if (error instanceof FlowError) return false;
    throw error;
  }
}

/** Sessions of one flow with one peer are told apart by name; each attempt needs its own. */
function nameOf(attempt: number): string {
  return `attempt ${attempt}`;
}

function refused(transfer: Transfer, { code, info }: Refusal): z.output<typeof paidSchema> {
  return { outcome: { type: 'refused', code, info }, transfer };
}

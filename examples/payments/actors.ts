/**
 * The persistent actors of a bank: one for each account it keeps, and one for each UETR it has seen. Owns when money is
 * set aside, booked and given back, and that each of it happens once for each payment, however often it is asked for.
 */
import { persistentActor } from 'weir';
import { z } from 'zod';

/**
 * An account. `balance` is what the bank owes its owner; what is reserved is still part of it, but cannot be spent
 * again. An amount is a count of the currency's smallest unit.
 *
 * Both memories of payments are bounded by the payments under way, not by those that ever were: a reservation ends with
 * its payment, and a credit is remembered until the debtor's bank can no longer ask for it.
 */
const accountState = z.object({
  /** `unknown`: nobody has opened an account of this id. */
  status: z.enum(['unknown', 'open', 'closed']),
  owner: z.string(),
  currency: z.string(),
  balance: z.bigint(),
  /** Payment to amount. */
  reserved: z.map(z.string(), z.bigint()),
  /** Payments whose amount was added and whose sender may still ask for it again. */
  credited: z.set(z.string()),
});

type AccountState = z.output<typeof accountState>;

/** Refusals are answers, not errors: what is thrown is never a reason to refuse a payment, only to try again. */
const verdict = z.discriminatedUnion('type', [
  z.object({ type: z.literal('done') }),
  z.object({ type: z.literal('refused'), code: z.enum(['AC01', 'AC04', 'AM03', 'AM04']), info: z.string() }),
]);

type Verdict = z.output<typeof verdict>;

const paidAmount = z.object({ currency: z.string(), minor: z.bigint().positive() });
const booking = z.object({ payment: z.string(), amount: paidAmount });
const byPayment = z.object({ payment: z.string() });

const opening = z.object({
  owner: z.string(),
  status: z.enum(['open', 'closed']),
  balance: z.object({ currency: z.string(), minor: z.bigint() }),
});

const done: Verdict = { type: 'done' };

export const account = persistentActor('account', {
  version: 1,
  state: accountState,
  initial: () => ({
    status: 'unknown' as const,
    owner: '',
    currency: '',
    balance: 0n,
    reserved: new Map<string, bigint>(),
    credited: new Set<string>(),
  }),
  messages: {
    /** Opens the account, once: whoever opens it again changes nothing. Answers whether it was opened by this. */
    open: { body: opening, reply: z.boolean() },
    /** Sets the amount of a payment aside. */
    reserve: { body: booking, reply: verdict },
    /** The payment is made: what was set aside for it leaves the account. */
    settle: { body: byPayment, reply: z.boolean() },
    /** The payment is not made: what was set aside for it may be spent again. */
    release: { body: byPayment, reply: z.boolean() },
    /** Adds the amount of a payment. */
    credit: { body: booking, reply: verdict },
    /** The payment will not be asked for again. */
    forget: { body: byPayment },
    look: {
      body: z.object({}),
      reply: accountState.pick({ status: true, currency: true, balance: true }).extend({ reserved: z.bigint() }),
    },
  },
  on: {
    open(state, { owner, status, balance: { currency, minor } }) {
      if (state.status !== 'unknown') return { reply: false };
      return { state: { ...state, status, owner, currency, balance: minor }, reply: true };
    },
    reserve(state, { payment, amount }) {
      if (state.reserved.has(payment)) return { reply: done };
      const refusal = refusalOf(state, amount.currency);
      if (refusal !== undefined) return { reply: refusal };
      const available = state.balance - reservedIn(state);
      if (available < amount.minor) return { reply: refused('AM04', 'the account lacks the funds') };
      return { state: { ...state, reserved: new Map(state.reserved).set(payment, amount.minor) }, reply: done };
    },
    settle(state, { payment }) {
      const amount = state.reserved.get(payment);
      // Settled before: the reservation is the only right to take money out, and it is used up.
      if (amount === undefined) return { reply: false };
      return { state: { ...without(state, payment), balance: state.balance - amount }, reply: true };
    },
    release(state, { payment }) {
      return state.reserved.has(payment) ? { state: without(state, payment), reply: true } : { reply: false };
    },
    credit(state, { payment, amount }) {
      if (state.credited.has(payment)) return { reply: done };
      const refusal = refusalOf(state, amount.currency);
      if (refusal !== undefined) return { reply: refusal };
      const credited = new Set(state.credited).add(payment);
      return { state: { ...state, balance: state.balance + amount.minor, credited }, reply: done };
    },
    forget(state, { payment }) {
      const credited = new Set(state.credited);
      return credited.delete(payment) ? { state: { ...state, credited } } : {};
    },
    look(state) {
      const { status, currency, balance } = state;
      return { reply: { status, currency, balance, reserved: reservedIn(state) } };
    },
  },
});

/**
 * A UETR: the payment that was first to bear it. The same payment may claim it again; any other is a duplicate.
 */
export const uetr = persistentActor('uetr', {
  version: 1,
  state: z.object({ payment: z.string().optional() }),
  initial: () => ({}),
  messages: {
    /** Answers whether the UETR is this payment's. */
    claim: { body: byPayment, reply: z.boolean() },
  },
  on: {
    claim(state, { payment }) {
      if (state.payment !== undefined) return { reply: state.payment === payment };
      return { state: { payment }, reply: true };
    },
  },
});

function refusalOf({ status, currency }: AccountState, wanted: string): Verdict | undefined {
  if (status === 'unknown') return refused('AC01', 'the account is unknown');
  if (status === 'closed') return refused('AC04', 'the account is closed');
  if (currency !== wanted) return refused('AM03', `the account is kept in ${currency}`);
  return undefined;
}

function refused(code: Extract<Verdict, { type: 'refused' }>['code'], info: string): Verdict {
  return { type: 'refused', code, info };
}

function reservedIn({ reserved }: AccountState): bigint {
  return [...reserved.values()].reduce((sum, amount) => sum + amount, 0n);
}

function without(state: AccountState, payment: string): AccountState {
  const reserved = new Map(state.reserved);
  reserved.delete(payment);
  return { ...state, reserved };
}

/** Accounts of the simulated banks, and what a payment can come to: what the flows and their invariants share. */
import { persistentActor } from 'weir';
import { z } from 'zod';

export const outcome = z.enum(['settled', 'refused', 'returned', 'no funds']);

/** What the flows of both sides return, beside the payment that it is about. */
export const ended = z.object({ payment: z.string(), outcome });

/** What every account begins with. */
const openingBalance = 100;

export const accountState = z.object({
  balance: z.int(),
  /** Payments whose amount is set aside: still part of the balance, and not to be spent again. */
  reserved: z.record(z.string(), z.int()),
  /** Payments booked here. */
  credited: z.record(z.string(), z.int()),
  /** Payments that have left. */
  settled: z.record(z.string(), z.int()),
});

const booking = z.object({ payment: z.string(), amount: z.int() });
const byPayment = z.object({ payment: z.string() });

export const account = persistentActor('payments.account', {
  version: 1,
  state: accountState,
  initial: () => ({ balance: openingBalance, reserved: {}, credited: {}, settled: {} }),
  messages: {
    reserve: { body: booking, reply: z.boolean() },
    settle: { body: byPayment, reply: z.boolean() },
    release: { body: byPayment, reply: z.boolean() },
    credit: { body: booking, reply: z.boolean() },
    /** Takes a booking back; false when the money is not there any more. */
    uncredit: { body: byPayment, reply: z.boolean() },
  },
  on: {
    reserve(state, { payment, amount }) {
      if (payment in state.reserved) return { reply: true };
      if (free(state) < amount) return { reply: false };
      return { state: { ...state, reserved: { ...state.reserved, [payment]: amount } }, reply: true };
    },
    settle(state, { payment }) {
      const { [payment]: amount, ...reserved } = state.reserved;
      if (amount === undefined) return { reply: false };
      const settled = { ...state.settled, [payment]: amount };
      return { state: { ...state, reserved, settled, balance: state.balance - amount }, reply: true };
    },
    release(state, { payment }) {
      const { [payment]: amount, ...reserved } = state.reserved;
      return amount === undefined ? { reply: false } : { state: { ...state, reserved }, reply: true };
    },
    credit(state, { payment, amount }, { key }) {
      if (key.startsWith('closed')) return { reply: false };
      if (payment in state.credited) return { reply: true };
      const credited = { ...state.credited, [payment]: amount };
      return { state: { ...state, credited, balance: state.balance + amount }, reply: true };
    },
    uncredit(state, { payment }) {
      const { [payment]: amount, ...credited } = state.credited;
      if (amount === undefined || free(state) < amount) return { reply: false };
      return { state: { ...state, credited, balance: state.balance - amount }, reply: true };
    },
  },
});

function free({ balance, reserved }: z.output<typeof accountState>): number {
  return balance - Object.values(reserved).reduce((sum, amount) => sum + amount, 0);
}

/**
 * A session that fails in the middle of a payment: nobody at the debtor's bank knows whether the money was credited. It
 * must stay set aside, and the payment must be asked for again until there is an answer.
 */
import { describe, expect, it } from 'vitest';
import { account, uetr } from '../../../examples/payments/actors.ts';
import { pay, take } from '../../../examples/payments/flows.ts';
import { interbankPayment, paymentOf, trackerName, tracking } from '../../../examples/payments/protocol.ts';
import { given } from '../../../src/testing/index.ts';

const euro = (minor: bigint) => ({ currency: 'EUR', minor });
const party = (bank: string, id: string) => ({
  bank: { id: bank, scheme: 'BIC' as const },
  account: { id, scheme: 'OTHER' as const },
});
const transfer = {
  clientRequestId: 'one',
  messageId: 'M',
  index: 0,
  uetr: '11111111-2222-4333-8444-555555555555',
  amount: euro(40n),
  debtor: party('HERE', 'ada'),
  creditor: party('THERE', 'grace'),
};
const done = { type: 'done' as const };
const settled = { outcome: { type: 'settled' as const }, transfer };
const claimed = { uetr: transfer.uetr };

describe("the debtor's bank", () => {
  it("asks the creditor's bank again, with the money set aside, and settles once", async () => {
    const payments = new Set<string>();
    const asked = ({ payment, amount }: { payment: string; amount: { minor: bigint } }): boolean => {
      payments.add(payment);
      return amount.minor === 40n;
    };
    await given(pay, { member: 'HERE' })
      .stage('transfer', transfer)
      .session('THERE', interbankPayment)
      .receives('pay', asked)
      .fails()
      .advance('1 s')
      .session('THERE', interbankPayment, { nth: 2 })
      .receives('pay', asked)
      .fails()
      .advance('1 s')
      .session('THERE', interbankPayment, { nth: 3 })
      .receives('pay', asked)
      .replies('credited', {})
      .actor(account, 'ada')
      .asked('settle')
      .answers(true)
      .then.completed(settled);
    // However often it is asked for, it is one payment.
    expect(payments.size).toBe(1);
  });

  it('asks the tracker again, before any money is set aside', async () => {
    await given(pay, { member: 'HERE' })
      .input(transfer)
      .session(trackerName, tracking)
      .receives('claim', ({ uetr: reference }) => reference === claimed.uetr)
      .fails()
      .advance('1 s')
      .session(trackerName, tracking, { nth: 2 })
      .receives('claim', ({ uetr: reference }) => reference === claimed.uetr)
      .replies('answer', { granted: true })
      .actor(account, 'ada')
      .asked('reserve')
      .answers(done)
      .then.becomes('transfer', transfer);
  });
});

describe("the creditor's bank", () => {
  it('answers the same to a payment that it has credited before', async () => {
    const payment = paymentOf({ name: 'HERE', group: 'default' }, 'p');
    const credited = {
      status: 'open' as const,
      owner: 'Grace',
      currency: 'EUR',
      balance: 40n,
      reserved: new Map<string, bigint>(),
    };
    const { actor } = await given(take, { member: 'THERE', actors: [uetr] })
      .actor(account, 'grace')
      .has({ ...credited, credited: new Set([payment]) })
      .openedBy('HERE', interbankPayment)
      .sends('pay', { payment: 'p', uetr: transfer.uetr, amount: euro(40n), account: 'grace' })
      .receives('credited', {})
      .closes()
      .then.completed({ type: 'settled' });
    expect(actor(account, 'grace').balance).toBe(40n);
  });
});

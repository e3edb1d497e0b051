import { describe, expect, it } from 'vitest';
import { readCreditTransfers } from '../../../examples/payments/iso20022/index.ts';
import { openAtFirstSight, readOpeningBook } from '../../../examples/payments/opening-book.ts';
import { type LedgerInput, type LedgerProblem, recompute } from '../../../examples/payments/recompute.ts';
import { documentXml, iban, transactionXml } from './messages.ts';
import { runModelLedger } from './model-ledger.ts';

const account = (bank: string, id: string, balance: string, currency = 'EUR', status = 'open'): object => ({
  bank,
  account: id,
  owner: 'Somebody',
  currency,
  balance,
  status,
});
const book = readOpeningBook(
  JSON.stringify({
    banks: [
      { id: 'HNSBDEHH', name: 'Debtor bank' },
      { id: 'ALPZCHZZ', name: 'Creditor bank' },
    ],
    accounts: [
      account('HNSBDEHH', iban.debtor, '25.00'),
      account('ALPZCHZZ', iban.creditor, '0.00'),
      account('ALPZCHZZ', 'closed', '0.00', 'EUR', 'closed'),
      account('ALPZCHZZ', 'yen', '0', 'JPY'),
    ],
  }),
);

const uetr = '8a562c67-ca16-48ba-b074-65581be6f001';
const to = (bank: string, id: string): { creditor: string } => ({
  creditor: `<CdtrAgt><FinInstnId><BICFI>${bank}</BICFI></FinInstnId></CdtrAgt><CdtrAcct><Id><Othr><Id>${id}</Id></Othr></Id></CdtrAcct>`,
});
/** Index: what it ends with. 0, 1: settled; 2: AM04; 3, 4: one of them AM05; 5 on: refused for a fixed reason. */
const { messages } = readCreditTransfers(
  documentXml({
    transactions: [
      transactionXml(),
      transactionXml(),
      transactionXml({ amount: '<IntrBkSttlmAmt Ccy="EUR">25.01</IntrBkSttlmAmt>' }),
      transactionXml({
        ids: `<TxId>T</TxId><UETR>${uetr}</UETR>`,
        amount: '<IntrBkSttlmAmt Ccy="EUR">1.00</IntrBkSttlmAmt>',
      }),
      transactionXml({
        ids: `<TxId>T</TxId><UETR>${uetr.toUpperCase()}</UETR>`,
        amount: '<IntrBkSttlmAmt Ccy="EUR">1.00</IntrBkSttlmAmt>',
      }),
      transactionXml({ ...to('ALPZCHZZ', 'nobody'), amount: '<IntrBkSttlmAmt Ccy="EUR">0.01</IntrBkSttlmAmt>' }),
      transactionXml({ ...to('ALPZCHZZ', 'closed'), amount: '<IntrBkSttlmAmt Ccy="EUR">0.01</IntrBkSttlmAmt>' }),
      transactionXml({ ...to('NNNNLIVX', 'x'), amount: '<IntrBkSttlmAmt Ccy="EUR">0.01</IntrBkSttlmAmt>' }),
      transactionXml({ ...to('ALPZCHZZ', 'yen'), amount: '<IntrBkSttlmAmt Ccy="EUR">0.01</IntrBkSttlmAmt>' }),
      transactionXml({ creditor: '' }),
    ],
  }),
);
const codes = ['settled', 'settled', 'AM04', 'settled', 'AM05', 'AC01', 'AC04', 'RC01', 'AM03', 'FF01'];

function ledger(change: { results?: Record<number, string>; balances?: Record<string, bigint> } = {}): LedgerInput {
  const entries = messages.flatMap(({ transactions }) => transactions);
  const outcomes = entries.map((entry, index) => {
    const { clientRequestId } = entry.type === 'transfer' ? entry.transfer : entry.ids;
    const code = change.results?.[index] ?? codes[index] ?? '';
    const result = code === 'settled' ? ({ type: 'settled' } as const) : ({ type: 'refused', code } as const);
    return { clientRequestId, result };
  });
  const holdings: Record<string, bigint> = { [iban.debtor]: 300n, [iban.creditor]: 2_200n, ...change.balances };
  const balances = book.accounts.map(({ bank, account: id, balance }) => ({
    bank,
    account: id,
    balance: { currency: balance.currency, minor: holdings[id] ?? 0n },
  }));
  return { book, messages, outcomes, balances };
}

const rulesOf = (input: LedgerInput): LedgerProblem['rule'][] => [
  ...new Set(recompute(input).problems.map(({ rule }) => rule)),
];

describe('the recomputation of a ledger', () => {
  it('accepts a run in which every payment has its outcome and every balance follows', () => {
    const proof = recompute(ledger());
    expect(proof.problems).toEqual([]);
    expect(proof).toMatchObject({ balanced: true, settled: 3 });
    expect(Object.fromEntries(proof.refused)).toEqual({
      AC01: 1,
      AC04: 1,
      AM03: 1,
      AM04: 1,
      AM05: 1,
      FF01: 1,
      RC01: 1,
    });
    expect(proof.totals).toMatchObject([
      { currency: 'EUR', opening: { minor: 2_500n }, closing: { minor: 2_500n } },
      { currency: 'JPY', opening: { minor: 0n }, closing: { minor: 0n } },
    ]);
  });

  it('accepts whichever of two payments with one UETR came first', () => {
    expect(rulesOf(ledger({ results: { 3: 'AM05', 4: 'settled' } }))).toEqual([]);
  });

  it('counts a message that was given twice once', () => {
    const input = ledger();
    expect(rulesOf({ ...input, messages: [...messages, ...messages] })).toEqual([]);
  });

  it.each([
    ['money that appeared', { balances: { [iban.creditor]: 2_201n } }, ['balance', 'total']],
    ['money that moved without a payment', { balances: { [iban.debtor]: 299n, [iban.creditor]: 2_201n } }, ['balance']],
    ['a payment that is said to be settled but moved nothing', { results: { 2: 'settled' } }, ['balance']],
    ['a balance below zero', { balances: { [iban.debtor]: -1n } }, ['balance', 'total']],
    ['both payments with one UETR settled', { results: { 4: 'settled' } }, ['duplicate', 'balance']],
    ['no payment with one UETR but duplicates', { results: { 3: 'AM05' } }, ['duplicate', 'balance']],
    ['a duplicate without a UETR', { results: { 0: 'AM05' } }, ['duplicate', 'balance']],
    ['an unknown account that was paid', { results: { 5: 'settled' } }, ['settlement', 'balance']],
    ['a closed account that was paid', { results: { 6: 'settled' } }, ['settlement', 'balance']],
    ['a good payment refused with AC01', { results: { 0: 'AC01' } }, ['refusal', 'balance']],
    ['a good payment refused with RC01', { results: { 0: 'RC01' } }, ['refusal', 'balance']],
    ['a refusal with the wrong reason', { results: { 5: 'AC04' } }, ['refusal']],
    ['a refusal with a reason that is none', { results: { 5: 'MS03' } }, ['refusal']],
    ['a file that refuses, settled all the same', { results: { 9: 'settled' } }, ['refusal']],
    [
      'a lack of funds that no order explains',
      { results: { 3: 'AM05', 4: 'AM05', 0: 'AM04', 1: 'AM04' } },
      ['duplicate', 'funds', 'balance'],
    ],
  ])('finds %s', (_what, change, rules) => expect(rulesOf(ledger(change))).toEqual(rules));

  it('finds a payment without an outcome, with two, and an outcome without a payment', () => {
    const input = ledger();
    const [first] = input.outcomes;
    expect(rulesOf({ ...input, outcomes: input.outcomes.slice(5) })).toContain('outcome');
    if (first === undefined) throw new Error('no outcome');
    expect(rulesOf({ ...input, outcomes: [...input.outcomes, first] })).toEqual(['outcome']);
    expect(rulesOf({ ...input, outcomes: [...input.outcomes, { ...first, clientRequestId: 'x' }] })).toEqual([
      'outcome',
    ]);
  });

  it('finds an account that is missing, unknown or reported twice', () => {
    const input = ledger();
    const [first, ...others] = input.balances;
    if (first === undefined) throw new Error('no balance');
    expect(rulesOf({ ...input, balances: others })).toEqual(['balance', 'total']);
    expect(rulesOf({ ...input, balances: [...input.balances, first] })).toEqual(['balance', 'total']);
    expect(rulesOf({ ...input, balances: [...input.balances, { ...first, account: 'x' }] })).toEqual([
      'balance',
      'total',
    ]);
  });

  it('finds the same client request id with different contents', () => {
    const other = readCreditTransfers(documentXml({ transactions: [transactionXml({ date: '' })] })).messages;
    expect(rulesOf({ ...ledger(), messages: [...messages, ...other] })).toEqual(['input']);
  });
});

describe('accounts opened at first sight', () => {
  it('are in the currency that names them first, and balance like any other', () => {
    const opened = openAtFirstSight({ banks: [], accounts: [] }, messages, '1000');
    expect(opened.accounts[0]).toMatchObject({
      bank: 'HNSBDEHH',
      account: iban.debtor,
      owner: 'Ada',
      balance: { minor: 100_000n },
    });
    expect(opened.banks.map(({ id }) => id)).toEqual(['HNSBDEHH', 'ALPZCHZZ', 'NNNNLIVX']);
    expect(recompute(runModelLedger(opened, messages, 1)).problems).toEqual([]);
  });

  it('leave accounts of the book alone', () => {
    expect(openAtFirstSight(book, messages, '1000').accounts.slice(0, 4)).toEqual(book.accounts);
  });

  it('refuse an amount that the currency cannot have', () => {
    const yen = transactionXml({ amount: '<IntrBkSttlmAmt Ccy="JPY">1</IntrBkSttlmAmt>' });
    const inYen = readCreditTransfers(documentXml({ transactions: [yen] })).messages;
    expect(() => openAtFirstSight({ banks: [], accounts: [] }, inYen, '0.50')).toThrow('JPY has 0');
  });
});

describe('an accounts file', () => {
  it.each([
    ['{', 'not JSON'],
    ['[]', 'the file'],
    ['{"banks":[],"accounts":[{}]}', 'accounts.0.bank'],
    [JSON.stringify({ banks: [], accounts: [account('X', '1', '1')] }), 'accounts.0.bank: X is not among the banks'],
    [JSON.stringify({ banks: [{ id: 'X', name: '' }], accounts: [account('X', '1', '1.005')] }), 'accounts.0.balance'],
    [
      JSON.stringify({ banks: [{ id: 'X', name: '' }], accounts: [account('X', '1', '1', 'XQX')] }),
      'accounts.0.currency',
    ],
  ])('%s is refused with the path', (json, why) => expect(() => readOpeningBook(json)).toThrow(why));
});

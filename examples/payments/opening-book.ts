/**
 * The opening book: which banks take part, and which accounts they keep, with opening balances. Owns the format of
 * `accounts.json`, and how a book is made up for a file whose banks and accounts nobody has listed.
 */
import { z } from 'zod';
import { minorDigits } from './currencies.ts';
import { PaymentsError } from './errors.ts';
import type { CreditTransferMessage } from './iso20022/index.ts';
import { type Amount, amountOf, parseAmount } from './money.ts';

export interface OpeningBank {
  /** As payments name it: BIC, clearing member id or other id. */
  readonly id: string;
  readonly name: string;
}

export interface OpeningAccount {
  readonly bank: string;
  /** As payments name it. */
  readonly account: string;
  readonly owner: string;
  readonly status: 'open' | 'closed';
  /** In the one currency that the account is kept in. */
  readonly balance: Amount;
}

export interface OpeningBook {
  readonly banks: readonly OpeningBank[];
  readonly accounts: readonly OpeningAccount[];
}

const bookSchema = z.strictObject({
  banks: z.array(z.strictObject({ id: z.string().min(1), name: z.string() })),
  accounts: z.array(
    z.strictObject({
      bank: z.string().min(1),
      account: z.string().min(1),
      owner: z.string(),
      currency: z.string().refine((code) => minorDigits(code) !== undefined, 'not an ISO 4217 currency'),
      balance: z.string(),
      status: z.enum(['open', 'closed']),
    }),
  ),
});

/**
 * Reads an `accounts.json`.
 * @throws PaymentsError `PAYMENTS_ACCOUNTS_INVALID` with the path of what is wrong.
 */
export function readOpeningBook(json: string): OpeningBook {
  const parsed = bookSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'wrong'}`);
  }
  const { banks, accounts } = parsed.data;
  const known = new Set(banks.map(({ id }) => id));
  if (known.size !== banks.length) throw invalid('banks: a bank is listed twice');
  const seen = new Set<string>();
  const opened = accounts.map(({ bank, account, owner, currency, balance, status }, index): OpeningAccount => {
    const key = accountKey(bank, account);
    if (!known.has(bank)) throw invalid(`accounts.${index}.bank: ${bank} is not among the banks`);
    if (seen.has(key)) throw invalid(`accounts.${index}.account: ${account} is listed twice`);
    seen.add(key);
    const amount = parseAmount(balance, currency);
    if (amount.type !== 'amount') throw invalid(`accounts.${index}.balance: ${amount.why}`);
    return { bank, account, owner, status, balance: amount.amount };
  });
  return { banks, accounts: opened };
}

/**
 * The book with every bank and account that the messages name, opened at first sight with `amount` in the currency of
 * the payment that names it first. For trying files; in the order of the files, so that the same files open the same.
 * @throws PaymentsError `PAYMENTS_AMOUNT_INVALID` if `amount` has more fraction digits than a currency it is needed in.
 */
export function openAtFirstSight(
  book: OpeningBook,
  messages: readonly CreditTransferMessage[],
  amount: string,
): OpeningBook {
  const banks = new Map(book.banks.map((bank) => [bank.id, bank]));
  const accounts = new Map(book.accounts.map((one) => [accountKey(one.bank, one.account), one]));
  for (const transaction of messages.flatMap(({ transactions }) => transactions)) {
    if (transaction.type !== 'transfer') continue;
    const { debtor, creditor, amount: paid } = transaction.transfer;
    for (const { bank, account, name } of [debtor, creditor]) {
      if (!banks.has(bank.id)) banks.set(bank.id, { id: bank.id, name: bank.id });
      const key = accountKey(bank.id, account.id);
      if (accounts.has(key)) continue;
      const balance = amountOf(amount, paid.currency);
      accounts.set(key, { bank: bank.id, account: account.id, owner: name ?? account.id, status: 'open', balance });
    }
  }
  return { banks: [...banks.values()], accounts: [...accounts.values()] };
}

/** One text for an account of a bank: an account id alone is only unique at its bank. */
export function accountKey(bank: string, account: string): string {
  return JSON.stringify([bank, account]);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PaymentsError('PAYMENTS_ACCOUNTS_INVALID', `the accounts are not JSON: ${why}`, cause);
  }
}

function invalid(why: string): PaymentsError {
  return new PaymentsError('PAYMENTS_ACCOUNTS_INVALID', `the accounts are wrong at ${why}`);
}

/**
 * The proof: recomputes every balance from the input files and the outcomes alone, without the ledger's code, and looks
 * for money that appeared or vanished. Which payments of an account fail for lack of funds depends on the order in which
 * they ran, so outcomes are taken as given, but each must be one that some order could have had.
 */
import type { CreditTransfer, CreditTransferMessage, Transaction } from './iso20022/index.ts';
import { idsOf } from './iso20022/index.ts';
import { type Amount, formatAmount } from './money.ts';
import { accountKey, type OpeningAccount, type OpeningBook } from './opening-book.ts';

export interface ReportedOutcome {
  readonly clientRequestId: string;
  /** `settled`, or the ISO code that it was refused with. */
  readonly result: { readonly type: 'settled' } | { readonly type: 'refused'; readonly code: string };
}

export interface ReportedBalance {
  readonly bank: string;
  readonly account: string;
  readonly balance: Amount;
}

export interface LedgerInput {
  readonly book: OpeningBook;
  /** All messages that were ever given; one that was given twice counts once. */
  readonly messages: readonly CreditTransferMessage[];
  readonly outcomes: readonly ReportedOutcome[];
  readonly balances: readonly ReportedBalance[];
  /** By client request id, codes that a payment had cause for when it was given, though the book has grown since. */
  readonly excused?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Something that must not be. */
export interface LedgerProblem {
  readonly rule: 'outcome' | 'refusal' | 'settlement' | 'duplicate' | 'funds' | 'balance' | 'total' | 'input';
  readonly text: string;
}

export interface LedgerProof {
  /** No problem was found. */
  readonly balanced: boolean;
  readonly problems: readonly LedgerProblem[];
  readonly settled: number;
  /** How many were refused with each code. */
  readonly refused: ReadonlyMap<string, number>;
  /** By currency, in the order of the alphabet: opening equals closing, or money appeared or vanished. */
  readonly totals: readonly { readonly currency: string; readonly opening: Amount; readonly closing: Amount }[];
  /** What each account must hold, in the order of the book. */
  readonly expected: readonly ReportedBalance[];
}

/** The codes whose cause the opening book alone decides. */
const fixedCodes: ReadonlySet<string> = new Set(['RC01', 'AC01', 'AC04', 'AM03']);

export function recompute(input: LedgerInput): LedgerProof {
  return new Recomputation(input).run();
}

class Recomputation {
  readonly #input: LedgerInput;
  readonly #problems: LedgerProblem[] = [];
  readonly #banks: ReadonlySet<string>;
  readonly #accounts: ReadonlyMap<string, OpeningAccount>;
  readonly #transactions: ReadonlyMap<string, Transaction>;
  readonly #results = new Map<string, string>();

  constructor(input: LedgerInput) {
    this.#input = input;
    this.#banks = new Set(input.book.banks.map(({ id }) => id));
    this.#accounts = new Map(input.book.accounts.map((one) => [accountKey(one.bank, one.account), one]));
    this.#transactions = this.#distinct();
  }

  run(): LedgerProof {
    this.#takeOutcomes();
    const transfers: { readonly transfer: CreditTransfer; readonly result: string }[] = [];
    for (const [id, transaction] of this.#transactions) {
      const result = this.#results.get(id);
      if (result === undefined) continue;
      if (transaction.type === 'transfer') transfers.push({ transfer: transaction.transfer, result });
      else if (result !== transaction.refusal.code) {
        this.#problem('refusal', `${id} is ${result}, its file refuses it with ${transaction.refusal.code}`);
      }
    }
    for (const { transfer, result } of transfers) this.#checkFixed(transfer, result);
    this.#checkDuplicates(transfers);
    this.#checkFunds(transfers);
    const expected = this.#expected(transfers);
    this.#checkBalances(expected);
    const results = [...this.#results.values()];
    const refused = new Map<string, number>();
    for (const code of results.filter((one) => one !== 'settled').sort())
      refused.set(code, (refused.get(code) ?? 0) + 1);
    const totals = this.#totals();
    return {
      balanced: this.#problems.length === 0,
      problems: this.#problems,
      settled: results.length - [...refused.values()].reduce((sum, count) => sum + count, 0),
      refused,
      totals,
      expected,
    };
  }

  #problem(rule: LedgerProblem['rule'], text: string): void {
    this.#problems.push({ rule, text });
  }

  #distinct(): ReadonlyMap<string, Transaction> {
    const found = new Map<string, Transaction>();
    for (const transaction of this.#input.messages.flatMap(({ transactions }) => transactions)) {
      const { clientRequestId } = idsOf(transaction);
      const before = found.get(clientRequestId);
      if (before === undefined) found.set(clientRequestId, transaction);
      else if (textOf(before) !== textOf(transaction)) {
        this.#problem('input', `${clientRequestId} is given twice, with different contents`);
      }
    }
    return found;
  }

  #takeOutcomes(): void {
    for (const { clientRequestId: id, result } of this.#input.outcomes) {
      if (!this.#transactions.has(id)) this.#problem('outcome', `${id} has an outcome but is in no file`);
      else if (this.#results.has(id)) this.#problem('outcome', `${id} has more than one outcome`);
      else this.#results.set(id, result.type === 'settled' ? 'settled' : result.code);
    }
    for (const id of this.#transactions.keys()) {
      if (!this.#results.has(id)) this.#problem('outcome', `${id} has no outcome`);
    }
  }

  /** Why the book alone refuses a payment. Several may apply; which is found first is the ledger's choice. */
  #fixedReasons({ debtor, creditor, amount }: CreditTransfer): ReadonlySet<string> {
    const reasons = new Set<string>();
    for (const { bank, account } of [debtor, creditor]) {
      const opened = this.#accounts.get(accountKey(bank.id, account.id));
      if (!this.#banks.has(bank.id)) reasons.add('RC01');
      else if (opened === undefined) reasons.add('AC01');
      else {
        if (opened.status === 'closed') reasons.add('AC04');
        if (opened.balance.currency !== amount.currency) reasons.add('AM03');
      }
    }
    return reasons;
  }

  #checkFixed(transfer: CreditTransfer, result: string): void {
    const id = transfer.clientRequestId;
    const reasons = this.#fixedReasons(transfer);
    if (result === 'settled') {
      if (reasons.size > 0) this.#problem('settlement', `${id} is settled in spite of ${[...reasons].join(', ')}`);
    } else if (fixedCodes.has(result)) {
      if (!reasons.has(result) && this.#input.excused?.get(id)?.has(result) !== true)
        this.#problem('refusal', `${id} is refused with ${result} without cause`);
    } else if (result !== 'AM04' && result !== 'AM05') {
      this.#problem('refusal', `${id} is refused with ${result}, which is no reason for a payment that can be read`);
    }
  }

  /** Of the payments that share a UETR exactly one is not a duplicate; whether it settles is another matter. */
  #checkDuplicates(transfers: readonly { readonly transfer: CreditTransfer; readonly result: string }[]): void {
    const groups = new Map<string, string[]>();
    for (const { transfer, result } of transfers) {
      const uetr = transfer.uetr?.toLowerCase();
      if (uetr !== undefined) groups.set(uetr, [...(groups.get(uetr) ?? []), result]);
      else if (result === 'AM05') {
        this.#problem('duplicate', `${transfer.clientRequestId} is refused with AM05 but has no UETR`);
      }
    }
    for (const [uetr, results] of groups) {
      const settled = results.filter((result) => result === 'settled').length;
      if (settled > 1) this.#problem('duplicate', `${settled} payments with the UETR ${uetr} are settled`);
      if (results.every((result) => result === 'AM05')) {
        this.#problem('duplicate', `every payment with the UETR ${uetr} is refused as a duplicate`);
      }
    }
  }

  /**
   * An account lacked funds if, at worst, all its other payments had reserved theirs before. Those that are refused at
   * the creditor's bank had reserved too, for a while.
   */
  #checkFunds(transfers: readonly { readonly transfer: CreditTransfer; readonly result: string }[]): void {
    const reserved = new Map<string, bigint>();
    for (const { transfer, result } of transfers) {
      if (result === 'AM04' || result === 'AM05') continue;
      const key = debtorKey(transfer);
      if (this.#accounts.get(key)?.balance.currency !== transfer.amount.currency) continue;
      reserved.set(key, (reserved.get(key) ?? 0n) + transfer.amount.minor);
    }
    for (const { transfer, result } of transfers) {
      if (result !== 'AM04') continue;
      const account = this.#accounts.get(debtorKey(transfer));
      const worst = (account?.balance.minor ?? 0n) - (reserved.get(debtorKey(transfer)) ?? 0n);
      const comparable = account?.status === 'open' && account.balance.currency === transfer.amount.currency;
      if (!comparable || worst >= transfer.amount.minor) {
        this.#problem('funds', `${transfer.clientRequestId} is refused with AM04, but its account had the funds`);
      }
    }
  }

  #expected(transfers: readonly { readonly transfer: CreditTransfer; readonly result: string }[]): ReportedBalance[] {
    const changes = new Map<string, bigint>();
    const add = (key: string, change: bigint): void => void changes.set(key, (changes.get(key) ?? 0n) + change);
    for (const { transfer, result } of transfers) {
      if (result !== 'settled') continue;
      add(debtorKey(transfer), -transfer.amount.minor);
      add(accountKey(transfer.creditor.bank.id, transfer.creditor.account.id), transfer.amount.minor);
    }
    return this.#input.book.accounts.map(({ bank, account, balance }) => {
      const minor = balance.minor + (changes.get(accountKey(bank, account)) ?? 0n);
      return { bank, account, balance: { currency: balance.currency, minor } };
    });
  }

  #checkBalances(expected: readonly ReportedBalance[]): void {
    const reported = new Map<string, ReportedBalance>();
    for (const one of this.#input.balances) {
      const key = accountKey(one.bank, one.account);
      if (reported.has(key)) this.#problem('balance', `${nameOf(one)} is reported twice`);
      if (!this.#accounts.has(key)) this.#problem('balance', `${nameOf(one)} is reported but is not in the book`);
      if (one.balance.minor < 0n) this.#problem('balance', `${nameOf(one)} is overdrawn: ${textOfAmount(one.balance)}`);
      reported.set(key, one);
    }
    for (const one of expected) {
      const found = reported.get(accountKey(one.bank, one.account));
      if (found === undefined) this.#problem('balance', `${nameOf(one)} is not reported`);
      else if (textOfAmount(found.balance) !== textOfAmount(one.balance)) {
        const texts = `${textOfAmount(found.balance)} instead of ${textOfAmount(one.balance)}`;
        this.#problem('balance', `${nameOf(one)} holds ${texts}`);
      }
    }
  }

  /** Of what is reported, not of what was recomputed: this is the sum that must not change whatever else is wrong. */
  #totals(): LedgerProof['totals'] {
    const opening = sumByCurrency(this.#input.book.accounts.map(({ balance }) => balance));
    const closing = sumByCurrency(this.#input.balances.map(({ balance }) => balance));
    return [...new Set([...opening.keys(), ...closing.keys()])].sort().map((currency) => {
      const before = { currency, minor: opening.get(currency) ?? 0n };
      const after = { currency, minor: closing.get(currency) ?? 0n };
      if (before.minor !== after.minor) {
        this.#problem('total', `${currency}: ${formatAmount(before)} became ${formatAmount(after)}`);
      }
      return { currency, opening: before, closing: after };
    });
  }
}

function debtorKey({ debtor }: CreditTransfer): string {
  return accountKey(debtor.bank.id, debtor.account.id);
}

function sumByCurrency(amounts: readonly Amount[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { currency, minor } of amounts) sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  return sums;
}

function nameOf({ bank, account }: { readonly bank: string; readonly account: string }): string {
  return `account ${account} at ${bank}`;
}

function textOfAmount(amount: Amount): string {
  return `${amount.currency} ${formatAmount(amount)}`;
}

/** A transaction as one text, to compare two of them. */
function textOf(transaction: Transaction): string {
  return JSON.stringify(transaction, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

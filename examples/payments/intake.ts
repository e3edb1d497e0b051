/**
 * From files to payments: which transactions are to be paid, and which are refused before any flow is started. Owns what
 * happens when an id comes twice.
 *
 * An id (message id, transaction id and position) names one payment. The same transaction again is that payment. Another
 * transaction under the same id is refused as a duplicate of its own kind: the first one keeps the id. What its file
 * alone refuses was never paid, so a corrected file may use the ids again.
 */
import type { ArchivedFile, GrownBook } from './archive.ts';
import {
  type CreditTransfer,
  type CreditTransferMessage,
  idsOf,
  type Outcome,
  type Transaction,
} from './iso20022/index.ts';
import { accountKey } from './opening-book.ts';

/** A payment to be made, once. */
export interface Payment {
  readonly id: string;
  readonly transfer: CreditTransfer;
  /** Place of the file that gave it first. */
  readonly place: number;
}

export interface Intake {
  /** In the order in which they came. */
  readonly payments: readonly Payment[];
  /** Payments whose debtor's bank nobody knew when they were given: there is no one to start a flow at. */
  readonly homeless: readonly Payment[];
  /** All messages, each transaction that counts in exactly one of them: what is to be proved. */
  readonly accounted: readonly CreditTransferMessage[];
  /** Transactions that bear the id of another payment. */
  readonly conflicts: ReadonlySet<Transaction>;
  /**
   * What the book of its day gave cause to refuse a payment with, where the book has grown since. By payment id.
   */
  readonly excused: ReadonlyMap<string, ReadonlySet<string>>;
}

export const homelessOutcome = (transfer: CreditTransfer): Outcome => ({
  type: 'refused',
  code: 'RC01',
  info: `debtor: the bank ${transfer.debtor.bank.id} is unknown`,
});

export const conflictOutcome: Outcome = {
  type: 'refused',
  code: 'AM05',
  info: 'another payment has this message id, transaction id and position; send it under a message id of its own',
};

export function takeIn(files: readonly ArchivedFile[], grown: GrownBook): Intake {
  const owners = new Map<
    string,
    { readonly transaction: Transaction; readonly text: string; readonly place: number }
  >();
  const conflicts = new Set<Transaction>();
  for (const { transaction, place } of transactionsOf(files)) {
    const { clientRequestId: id } = idsOf(transaction);
    const owner = owners.get(id);
    const text = textOf(transaction);
    if (owner === undefined || (owner.transaction.type === 'refused' && transaction.type === 'transfer')) {
      owners.set(id, { transaction, text, place });
    } else if (transaction.type === 'transfer' && owner.text !== text) {
      conflicts.add(transaction);
    }
  }
  const owning = new Set([...owners.values()].map(({ transaction }) => transaction));
  const payments: Payment[] = [];
  const homeless: Payment[] = [];
  const excused = new Map<string, ReadonlySet<string>>();
  for (const [id, { transaction, place }] of owners) {
    if (transaction.type === 'refused') continue;
    const { transfer } = transaction;
    const payment = { id, transfer, place };
    (isKnown(grown.banksSince.get(transfer.debtor.bank.id), place) ? payments : homeless).push(payment);
    excused.set(id, strangersTo(transfer, place, grown));
  }
  const accounted = files.flatMap(({ messages }) =>
    messages.map((message) => ({ ...message, transactions: message.transactions.filter((one) => owning.has(one)) })),
  );
  return { payments, homeless, accounted, conflicts, excused };
}

function* transactionsOf(files: readonly ArchivedFile[]): Generator<{ transaction: Transaction; place: number }> {
  for (const { messages, place } of files) {
    for (const { transactions } of messages) for (const transaction of transactions) yield { transaction, place };
  }
}

function strangersTo({ debtor, creditor }: CreditTransfer, place: number, grown: GrownBook): ReadonlySet<string> {
  const reasons = new Set<string>();
  for (const { bank, account } of [debtor, creditor]) {
    if (!isKnown(grown.banksSince.get(bank.id), place)) reasons.add('RC01');
    if (!isKnown(grown.accountsSince.get(accountKey(bank.id, account.id)), place)) reasons.add('AC01');
  }
  return reasons;
}

/** Whether something that is in the book since `since` was there for the file of `place`. */
function isKnown(since: number | undefined, place: number): boolean {
  return since !== undefined && since <= place;
}

/** What a payment says, as one text: two transactions of one id are the same payment if these are equal. */
function textOf(transaction: Transaction): string {
  const said = transaction.type === 'transfer' ? transaction.transfer : transaction.refusal;
  return JSON.stringify(said, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

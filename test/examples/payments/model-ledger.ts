/** The simplest ledger there is: payments one after another in any order. What it says is what a proof must accept. */
import type { CreditTransfer, CreditTransferMessage } from '../../../examples/payments/iso20022/index.ts';
import { accountKey, type OpeningBook } from '../../../examples/payments/opening-book.ts';
import type { LedgerInput, ReportedOutcome } from '../../../examples/payments/recompute.ts';
import { seededRandom } from '../../../src/ports/index.ts';

export function runModelLedger(
  book: OpeningBook,
  messages: readonly CreditTransferMessage[],
  seed: number,
): LedgerInput {
  const random = seededRandom(seed);
  const balances = new Map(
    book.accounts.map(({ bank, account, balance }) => [accountKey(bank, account), balance.minor]),
  );
  const uetrs = new Set<string>();
  const outcomes: ReportedOutcome[] = [];
  const transfers: CreditTransfer[] = [];
  for (const transaction of messages.flatMap(({ transactions }) => transactions)) {
    if (transaction.type === 'transfer') transfers.push(transaction.transfer);
    else outcomes.push(refused(transaction.ids.clientRequestId, transaction.refusal.code));
  }
  const shuffled = transfers.map((transfer) => ({ at: random.next(), transfer })).sort((a, b) => a.at - b.at);
  for (const { transfer } of shuffled) {
    const code = refusalOf(transfer);
    if (code !== undefined) {
      outcomes.push(refused(transfer.clientRequestId, code));
      continue;
    }
    outcomes.push({ clientRequestId: transfer.clientRequestId, result: { type: 'settled' } });
    change(transfer.debtor, -transfer.amount.minor);
    change(transfer.creditor, transfer.amount.minor);
  }
  return {
    book,
    messages,
    outcomes,
    balances: book.accounts.map(({ bank, account, balance }) => ({
      bank,
      account,
      balance: { currency: balance.currency, minor: balances.get(accountKey(bank, account)) ?? 0n },
    })),
  };

  function change({ bank, account }: CreditTransfer['debtor'], by: bigint): void {
    const key = accountKey(bank.id, account.id);
    balances.set(key, (balances.get(key) ?? 0n) + by);
  }

  function refusalOf({ uetr, debtor, creditor, amount }: CreditTransfer): string | undefined {
    const key = uetr?.toLowerCase();
    if (key !== undefined && uetrs.has(key)) return 'AM05';
    if (key !== undefined) uetrs.add(key);
    for (const side of [debtor, creditor]) {
      if (!book.banks.some(({ id }) => id === side.bank.id)) return 'RC01';
      const found = book.accounts.find(({ bank, account }) => bank === side.bank.id && account === side.account.id);
      if (found === undefined) return 'AC01';
      if (found.status === 'closed') return 'AC04';
      if (found.balance.currency !== amount.currency) return 'AM03';
      const balance = balances.get(accountKey(side.bank.id, side.account.id)) ?? 0n;
      if (side === debtor && balance < amount.minor) return 'AM04';
    }
    return undefined;
  }
}

function refused(clientRequestId: string, code: string): ReportedOutcome {
  return { clientRequestId, result: { type: 'refused', code } };
}

/**
 * One run: files in, payments, reports and proof out. Owns the order: the files are kept before a payment is started,
 * the accounts are open before a payment can need them, the reports are written when the outcomes are known. Killed
 * anywhere, the same command again does what is left.
 */
import type { Node } from 'weir';
import type { Archive, ArchivedFile, GivenFile } from './archive.ts';
import type { PaymentWarning, RunEvents, Summary } from './events.ts';
import { conflictOutcome, homelessOutcome, type Intake, takeIn } from './intake.ts';
import { type CreditTransferMessage, idsOf, type Outcome, type Transaction } from './iso20022/index.ts';
import { type KnownPayments, knownPayments, type OtherPayment } from './known-payments.ts';
import { lookAtAccounts, openAccounts } from './market.ts';
import type { OpeningBook } from './opening-book.ts';
import { type PaymentEnd, payAll } from './pay-all.ts';
import { type ReportedOutcome, recompute } from './recompute.ts';
import { Reports } from './reports.ts';

export interface RunSetup {
  readonly node: Node;
  readonly archive: Archive;
  /** The files of this run. */
  readonly files: readonly GivenFile[];
  /** The book that they need. */
  readonly book: OpeningBook;
  readonly reportsFolder: string;
  readonly events: RunEvents;
  readonly signal: AbortSignal;
  readonly createdAt: string;
  /** Milliseconds since the process began. */
  readonly clock: () => number;
}

/** Undefined when it was interrupted. */
export async function run(setup: RunSetup): Promise<Summary | undefined> {
  const { node, archive, events, signal } = setup;
  archive.extend(setup.book);
  const files = setup.files.map((file) => archive.add(file));
  const { book } = archive.grown;
  const opened = await openAccounts(node, book, () => events.accountOpened());
  events.accountsOpened(opened, book.accounts.length);

  const intake = takeIn(archive.files, archive.grown);
  const progress = new Progress(intake, await knownPayments(node, intake.payments));
  const wanted = new Set(idsIn(files));
  // Files of an earlier run that was killed are finished too: they were given, and nobody may ever give them again.
  const payments = progress.intake.payments.filter(({ id }) => wanted.has(id) || progress.outcome(id) === undefined);
  events.paying(payments.length);
  const begun = setup.clock();
  let paid = 0;
  let firstSettledMs: number | undefined;
  await payAll({
    node,
    payments,
    signal,
    events: {
      accepted({ id }, created) {
        if (!created) progress.known.add(id);
        events.accepted(id, created);
      },
      ended({ id }, end) {
        const before = progress.outcome(id);
        progress.end(id, end);
        const outcome = progress.outcome(id);
        if (before === undefined) paid++;
        if (before === undefined && outcome?.type === 'settled') firstSettledMs ??= setup.clock();
        events.ended(id, outcome);
      },
    },
  });
  if (signal.aborted) {
    events.interrupted(String(signal.reason), payments.filter(({ id }) => progress.outcome(id) === undefined).length);
    return undefined;
  }
  const continued = payments.filter(({ id }) => !wanted.has(id)).length;
  const payingMs = setup.clock() - begun;
  return summarise(setup, files, progress, { wanted, continued, paid, payingMs, firstSettledMs });
}

/** Outcomes as they are known so far. */
class Progress {
  readonly intake: Intake;
  /** Payments that the node had already. */
  readonly known = new Set<string>();
  readonly open = new Map<string, string>();
  readonly #outcomes = new Map<string, Outcome>();

  constructor(intake: Intake, { ended }: KnownPayments) {
    this.intake = intake;
    for (const { id, transfer } of intake.homeless) this.#outcomes.set(id, homelessOutcome(transfer));
    for (const { id } of intake.payments) {
      const outcome = ended.get(id);
      if (outcome !== undefined) this.#outcomes.set(id, outcome);
    }
  }

  end(id: string, end: PaymentEnd): void {
    if (end.type === 'outcome') this.#outcomes.set(id, end.outcome);
    else this.open.set(id, end.why);
  }

  outcome(id: string): Outcome | undefined {
    return this.#outcomes.get(id);
  }

  outcomeOf(transaction: Transaction): Outcome | undefined {
    if (this.intake.conflicts.has(transaction)) return conflictOutcome;
    if (transaction.type === 'refused') return { type: 'refused', code: transaction.refusal.code };
    return this.outcome(transaction.transfer.clientRequestId);
  }
}

interface Facts extends Pick<Summary, 'continued' | 'paid' | 'payingMs' | 'firstSettledMs'> {
  /** Ids of the transactions of this run's files. */
  readonly wanted: ReadonlySet<string>;
}

async function summarise(
  setup: RunSetup,
  files: readonly ArchivedFile[],
  progress: Progress,
  { wanted, continued, ...times }: Facts,
): Promise<Summary> {
  const { node, archive, reportsFolder, createdAt } = setup;
  const { intake } = progress;
  const reports = new Reports({
    folder: reportsFolder,
    outcomeOf: (transaction) => progress.outcomeOf(transaction),
    createdAt,
  });
  for (const file of archive.files) {
    const isNew = files.includes(file);
    for (const message of file.messages) if (isNew || !reports.exists(message)) reports.write(message);
  }

  const { book } = archive.grown;
  const balances = await lookAtAccounts(node, book);
  const outcomes = intake.accounted.flatMap(({ transactions }) =>
    transactions.flatMap((transaction): ReportedOutcome[] => {
      const result = progress.outcomeOf(transaction);
      return result === undefined ? [] : [{ clientRequestId: idsOf(transaction).clientRequestId, result }];
    }),
  );
  // Asked for anew: payments may have come over HTTP while those of the files were under way.
  const { others, unclear } = await knownPayments(node, intake.payments);
  // When one of those came, the book may have been smaller, and it may have been sent to a bank that is not its own.
  const ofTheDay = new Set(['RC01', 'AC01']);
  const excused = new Map([...intake.excused, ...others.map(({ id }) => [id, ofTheDay] as const)]);
  const messages = [...intake.accounted, messageOf(others)];
  outcomes.push(...others.map(({ id, outcome: result }) => ({ clientRequestId: id, result })));
  const proof = recompute({ book, messages, outcomes, balances, excused });
  const nothingReserved = balances.every(({ reserved }) => reserved === 0n);

  // A file that is given twice in one run counts once.
  const distinct = [...new Set(files)];
  const transactions = distinct.flatMap(({ messages: own }) => own.flatMap((one) => one.transactions));
  const refused = new Map<string, number>();
  let settled = 0;
  for (const transaction of transactions) {
    const outcome = progress.outcomeOf(transaction);
    if (outcome?.type === 'settled') settled++;
    else if (outcome !== undefined) refused.set(outcome.code, (refused.get(outcome.code) ?? 0) + 1);
  }
  return {
    transactions: transactions.length,
    settled,
    refused: new Map([...refused].sort(([a], [b]) => (a < b ? -1 : 1))),
    thereAlready: [...progress.known].filter((id) => wanted.has(id)).length,
    continued,
    conflicts: transactions.filter((one) => intake.conflicts.has(one)).length,
    open: [...[...progress.open].map(([payment, why]) => ({ payment, why })), ...unclear],
    others: others.length,
    warnings: distinct.flatMap(warningsOf),
    ignored: distinct.flatMap(({ name, ignored }) => ignored.map((message) => ({ file: name, message }))),
    reports: { folder: reportsFolder, count: reports.count },
    proof,
    proved: outcomes.length,
    nothingReserved,
    balanced: proof.balanced && nothingReserved,
    ...times,
  };
}

/** Payments that came over HTTP, in the form in which they are proved; each under its flow's id, which is its own. */
function messageOf(others: readonly OtherPayment[]): CreditTransferMessage {
  return {
    messageId: '',
    messageName: 'pacs.008',
    transactions: others.map(({ id, transfer }) => ({
      type: 'transfer',
      transfer: { ...transfer, clientRequestId: id },
      warnings: [],
    })),
    warnings: [],
  };
}

function idsIn(files: readonly GivenFile[]): string[] {
  return files.flatMap(({ messages }) =>
    messages.flatMap(({ transactions }) => transactions.map((one) => idsOf(one).clientRequestId)),
  );
}

function warningsOf({ name, messages }: GivenFile): PaymentWarning[] {
  return messages.flatMap(({ warnings, transactions }) =>
    [...warnings, ...transactions.flatMap((one) => one.warnings)].map((one) => ({ file: name, ...one })),
  );
}

/**
 * What a run has to tell, as it happens: the one seam between the payments and how they are shown. People get a
 * progress bar and a summary, programs one JSON object a line (`--json`).
 */
import type { PaymentsError } from './errors.ts';
import type { Outcome } from './iso20022/index.ts';
import type { LedgerProof } from './recompute.ts';

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface PaymentWarning {
  readonly file: string;
  readonly path: string;
  readonly text: string;
}

/** The whole of a run, once it is through. */
export interface Summary {
  /** Transactions of the files that were given to this run. */
  readonly transactions: number;
  readonly settled: number;
  /** By ISO code, refusals by file included. */
  readonly refused: ReadonlyMap<string, number>;
  /** Payments that the node knew from an earlier run. */
  readonly thereAlready: number;
  /** Payments of earlier files that this run has finished. */
  readonly continued: number;
  /** Payments that came by another way than a file, such as HTTP; the proof is over them too. */
  readonly others: number;
  /** Transactions that bear the id of another payment; they are among those refused with AM05. */
  readonly conflicts: number;
  /** Payments without an outcome, and why. */
  readonly open: readonly { readonly payment: string; readonly why: string }[];
  readonly warnings: readonly PaymentWarning[];
  /** Other messages in the files, left alone. */
  readonly ignored: readonly { readonly file: string; readonly message: string }[];
  readonly reports: { readonly folder: string; readonly count: number };
  /** Over everything that was ever given to the data directory. */
  readonly proof: LedgerProof;
  /** Payments that the proof is over. */
  readonly proved: number;
  /** No account has money set aside for a payment that has ended. */
  readonly nothingReserved: boolean;
  readonly balanced: boolean;
  /** From the first start of a flow to the last outcome. */
  readonly payingMs: number;
  /** Payments that ended in that time. */
  readonly paid: number;
  /** From the start of the process; none if nothing was settled in this run. */
  readonly firstSettledMs: number | undefined;
}

export interface RunEvents {
  /** A file that cannot be taken, or another mistake of the caller; the rest goes on. */
  problem(problem: Problem): void;
  nodeStarted(facts: { readonly data: string; readonly url: string | undefined; readonly note?: string }): void;
  accountOpened(): void;
  accountsOpened(opened: number, all: number): void;
  paying(payments: number): void;
  accepted(id: string, created: boolean): void;
  ended(id: string, outcome: Outcome | undefined): void;
  summary(summary: Summary): void;
  /** The node stays up until it is told to stop. */
  serving(url: string | undefined): void;
  /** Stopped before the end, by a signal. */
  interrupted(signal: string, left: number): void;
  stopped(): void;
}

export function problemOf(error: PaymentsError, where: string): Problem {
  return { code: error.code, message: `${where}: ${error.message}`, remedy: error.remedy };
}

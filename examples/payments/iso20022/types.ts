/**
 * What a payment is to the rest of the example: plain data, so that it can be the input of a flow. Owns the zod schema of
 * one transfer; the types are written out because they are what a reader looks for first.
 */
import { z } from 'zod';
import type { Amount } from '../money.ts';

/** ISO 20022 ExternalStatusReason1Code, as far as this example refuses anything. */
export type ReasonCode =
  | 'AC01' // IncorrectAccountNumber: the account is unknown
  | 'AC04' // ClosedAccountNumber
  | 'AM01' // ZeroAmount
  | 'AM03' // NotAllowedCurrency: the account is in another currency
  | 'AM04' // InsufficientFunds
  | 'AM05' // Duplication
  | 'AM09' // WrongAmount: the total is not the sum of the amounts
  | 'AM10' // InvalidControlSum
  | 'AM11' // InvalidTransactionCurrency: not an ISO 4217 currency
  | 'AM18' // InvalidNumberOfTransactions
  | 'FF01' // InvalidFileFormat
  | 'RC01'; // BankIdentifierIncorrect: the bank is unknown

export interface Bank {
  /** BIC, else the clearing system's member id, else any other id; as written. The bank is a member of this name. */
  readonly id: string;
  readonly scheme: 'BIC' | 'CLEARING' | 'OTHER';
}

export interface Account {
  /** IBAN or any other id, exactly as written. */
  readonly id: string;
  readonly scheme: 'IBAN' | 'OTHER';
}

/** Debtor or creditor: who, with which account at which bank. */
export interface Party {
  readonly bank: Bank;
  readonly account: Account;
  readonly name?: string;
}

/** What identifies a transaction; nothing here is changed from what the file says. */
export interface TransferIds {
  /** Message id, transaction id and index in one URL-safe text; the same for the same file, whenever it is read. */
  readonly clientRequestId: string;
  readonly messageId: string;
  /** Position in its message, from 0. */
  readonly index: number;
  readonly transactionId?: string;
  readonly endToEndId?: string;
  readonly instructionId?: string;
  /** Unique end-to-end transaction reference: one payment, however often it is sent. Compared by `uetrKey`. */
  readonly uetr?: string;
}

/** What two UETRs are compared by: a UUID is the same in capitals. */
export function uetrKey(uetr: string): string {
  return uetr.toLowerCase();
}

/** One `CdtTrfTxInf` that can be booked: the interbank settlement amount goes from debtor to creditor. */
export interface CreditTransfer extends TransferIds {
  readonly amount: Amount;
  /** ISO date, of the transaction or else of its message. */
  readonly settlementDate?: string;
  readonly debtor: Party;
  readonly creditor: Party;
}

/** Why a transaction or a message is refused while its file is read. */
export interface Refusal {
  readonly code: ReasonCode;
  /** Of the element that is missing or wrong, by local names: `FIToFICstmrCdtTrf/CdtTrfTxInf[3]/DbtrAcct/Id`. */
  readonly path: string;
  readonly reason: string;
}

export interface Warning {
  readonly path: string;
  readonly text: string;
}

/** A transaction of a file: one to book, or one that is refused by its file alone. */
export type Transaction =
  | { readonly type: 'transfer'; readonly transfer: CreditTransfer; readonly warnings: readonly Warning[] }
  | {
      readonly type: 'refused';
      readonly ids: TransferIds;
      readonly refusal: Refusal;
      readonly warnings: readonly Warning[];
    };

/** One pacs.008 message. If `refusal` is set the message is refused as a whole, and so is each of its transactions. */
export interface CreditTransferMessage {
  /** Empty if the message has none, which refuses it. */
  readonly messageId: string;
  /** `pacs.008.001.08`; `pacs.008` if the file does not say which version it is. */
  readonly messageName: string;
  /** `CreDtTm` as written. */
  readonly createdAt?: string;
  readonly transactions: readonly Transaction[];
  readonly warnings: readonly Warning[];
  readonly refusal?: Refusal;
}

// ISO 20022 counts characters, zod UTF-16 units, of which a character has at most two: hence twice the ISO lengths.

/** Minor units may come as text too: JSON has no integers of this size. */
const amountSchema = z.object({
  currency: z.string().regex(/^[A-Z]{3}$/),
  minor: z.union([
    z.bigint().nonnegative(),
    z
      .string()
      .regex(/^\d{1,18}$/)
      .transform(BigInt),
  ]),
});

const partySchema = z.object({
  bank: z.object({ id: z.string().min(1).max(70), scheme: z.enum(['BIC', 'CLEARING', 'OTHER']) }),
  account: z.object({ id: z.string().min(1).max(68), scheme: z.enum(['IBAN', 'OTHER']) }),
  name: z.string().max(280).exactOptional(),
});

const idSchema = z.string().min(1).max(70).exactOptional();

/** One transfer as a flow takes it. */
export const creditTransferSchema = z.object({
  clientRequestId: z.string().min(1).max(200),
  messageId: z.string().min(1).max(70),
  index: z.int().nonnegative(),
  transactionId: idSchema,
  endToEndId: idSchema,
  instructionId: idSchema,
  uetr: z.string().min(1).max(70).exactOptional(),
  amount: amountSchema,
  settlementDate: z.string().max(35).exactOptional(),
  debtor: partySchema,
  creditor: partySchema,
}) satisfies z.ZodType<CreditTransfer>;

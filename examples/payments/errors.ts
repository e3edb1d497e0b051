/**
 * The one error type of the payments example: a stable code, a sentence that states the fact, and a remedy.
 * A payment that is refused is not an error: it is an outcome with an ISO reason code (see `iso20022/types.ts`).
 */

const remedies = {
  PAYMENTS_FILE_INVALID: 'correct the file and give it again; nothing of it was started',
  PAYMENTS_FILE_EMPTY: 'give a file that holds at least one pacs.008 message',
  PAYMENTS_FILE_ENCODING:
    'save the file as UTF-8 (or UTF-16 with a byte order mark) and give it again; nothing was started',
  PAYMENTS_FILE_DOCTYPE:
    'remove the DOCTYPE: payment files need none, and entities are never expanded; nothing was started',
  PAYMENTS_FILE_TOO_LARGE: 'split the file into smaller messages; nothing of it was started',
  PAYMENTS_NO_CREDIT_TRANSFER: 'give a file with a pacs.008 message (FIToFICstmrCdtTrf); nothing was started',
  PAYMENTS_AMOUNT_INVALID: 'write the amount as a decimal number with at most the fraction digits of its currency',
  PAYMENTS_ACCOUNTS_INVALID: 'correct the accounts at the path given; nothing was started',
  PAYMENTS_ARCHIVE_DAMAGED: 'restore the data directory from a backup, or start with another one (--data)',
  PAYMENTS_FILE_UNREADABLE: 'check the path and its permissions; nothing of it was started',
  PAYMENTS_DATA_UNUSABLE: 'choose another data directory (--data), or mend the cause; nothing was started',
  PAYMENTS_DATA_CHANGED: 'give the command again; nothing was started',
  PAYMENTS_WRITE_FAILED:
    'make room, or choose another directory, and give the command again; payments that are made are not made again',
  PAYMENTS_REPORT_INVALID: 'give one outcome for each transaction of the message, and an ISO date and time of creation',
} as const;

export type PaymentsErrorCode = keyof typeof remedies;

export class PaymentsError extends Error {
  override readonly name = 'PaymentsError';
  /** Stable, for programs. */
  readonly code: PaymentsErrorCode;
  /** What the reader can do about it, in one sentence. */
  readonly remedy: string;

  constructor(code: PaymentsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedies[code];
  }
}

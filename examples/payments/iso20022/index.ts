/** ISO 20022: pacs.008 in, pacs.002 out. */
export type { CreditTransferFile, ReadOptions } from './read-credit-transfers.ts';
export { idsOf, readCreditTransfers } from './read-credit-transfers.ts';
export type { Outcome, StatusReport } from './status-report.ts';
export { escapeXml, writeStatusReport } from './status-report.ts';
export type {
  Account,
  Bank,
  CreditTransfer,
  CreditTransferMessage,
  Party,
  ReasonCode,
  Refusal,
  Transaction,
  TransferIds,
  Warning,
} from './types.ts';
export { creditTransferSchema, uetrKey } from './types.ts';

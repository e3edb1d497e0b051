/**
 * Writes a pacs.002.001.10 payment status report for one pacs.008 message. Owns the order of the elements and the limits
 * of their texts; the same message, outcomes and creation time give the same bytes.
 */
import { createHash } from 'node:crypto';
import { PaymentsError } from '../errors.ts';
import { idsOf } from './read-credit-transfers.ts';
import type { CreditTransferMessage, ReasonCode, Transaction, TransferIds } from './types.ts';

/** How a payment ended. */
export type Outcome =
  | { readonly type: 'settled' }
  | { readonly type: 'refused'; readonly code: ReasonCode; readonly info?: string };

export interface StatusReport {
  readonly message: CreditTransferMessage;
  /** By client request id; transactions that their file refuses need none. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** ISO date and time: `2026-01-31T09:30:00Z`. */
  readonly createdAt: string;
}

const namespace = 'urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10';
const dateTimeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/;
const uetrForm = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const maxId = 35;
const maxInfo = 105;
/** ISO 20022 allows any number of lines; a reason that needs more is no reason. */
const maxInfoLines = 10;

/** @throws PaymentsError `PAYMENTS_REPORT_INVALID` if an outcome is missing or the creation time is no ISO time. */
export function writeStatusReport({ message, outcomes, createdAt }: StatusReport): string {
  if (!dateTimeForm.test(createdAt)) {
    throw new PaymentsError('PAYMENTS_REPORT_INVALID', `"${createdAt}" is not an ISO date and time`);
  }
  const results = message.transactions.map((transaction) => ({
    ids: idsOf(transaction),
    outcome: outcomeOf(transaction, outcomes),
  }));
  const settled = results.filter(({ outcome }) => outcome.type === 'settled').length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<Document xmlns="${namespace}">`,
    '  <FIToFIPmtStsRpt>',
    '    <GrpHdr>',
    `      <MsgId>${reportId(message, createdAt)}</MsgId>`,
    `      <CreDtTm>${createdAt}</CreDtTm>`,
    '    </GrpHdr>',
    ...groupLines(message, settled, results.length),
    ...results.flatMap(({ ids, outcome }) => transactionLines(ids, outcome)),
    '  </FIToFIPmtStsRpt>',
    '</Document>',
    '',
  ].join('\n');
}

function outcomeOf(transaction: Transaction, outcomes: ReadonlyMap<string, Outcome>): Outcome {
  if (transaction.type === 'refused') {
    const { code, path, reason } = transaction.refusal;
    return { type: 'refused', code, info: `${path}: ${reason}` };
  }
  const outcome = outcomes.get(transaction.transfer.clientRequestId);
  if (outcome !== undefined) return outcome;
  throw new PaymentsError('PAYMENTS_REPORT_INVALID', `${transaction.transfer.clientRequestId} has no outcome`);
}

function groupLines(message: CreditTransferMessage, settled: number, all: number): string[] {
  const { messageId, messageName, createdAt, refusal } = message;
  const lines = ['    <OrgnlGrpInfAndSts>'];
  lines.push(`      <OrgnlMsgId>${idText(messageId) ?? 'NOTPROVIDED'}</OrgnlMsgId>`);
  lines.push(`      <OrgnlMsgNmId>${idText(messageName) ?? 'NOTPROVIDED'}</OrgnlMsgNmId>`);
  if (createdAt !== undefined && dateTimeForm.test(createdAt)) {
    lines.push(`      <OrgnlCreDtTm>${createdAt}</OrgnlCreDtTm>`);
  }
  lines.push(`      <OrgnlNbOfTxs>${all}</OrgnlNbOfTxs>`);
  lines.push(`      <GrpSts>${groupStatus(message, settled, all)}</GrpSts>`);
  if (refusal !== undefined) lines.push(...reasonLines(refusal.code, `${refusal.path}: ${refusal.reason}`));
  for (const [status, count] of [
    ['ACSC', settled],
    ['RJCT', all - settled],
  ] as const) {
    if (count === 0) continue;
    lines.push('      <NbOfTxsPerSts>');
    lines.push(`        <DtldNbOfTxs>${count}</DtldNbOfTxs>`);
    lines.push(`        <DtldSts>${status}</DtldSts>`);
    lines.push('      </NbOfTxsPerSts>');
  }
  return [...lines, '    </OrgnlGrpInfAndSts>'];
}

/** Settled all, refused all, or some of both. */
function groupStatus({ refusal }: CreditTransferMessage, settled: number, all: number): 'ACSC' | 'RJCT' | 'PART' {
  if (refusal !== undefined || settled === 0) return 'RJCT';
  return settled === all ? 'ACSC' : 'PART';
}

function transactionLines(ids: TransferIds, outcome: Outcome): string[] {
  const lines = ['    <TxInfAndSts>'];
  const optional = (name: string, text: string | undefined): void => {
    const written = idText(text);
    if (written !== undefined) lines.push(`      <${name}>${written}</${name}>`);
  };
  optional('OrgnlInstrId', ids.instructionId);
  optional('OrgnlEndToEndId', ids.endToEndId);
  optional('OrgnlTxId', ids.transactionId);
  // A UETR of another form than a UUID would make the whole report invalid.
  const uetr = ids.uetr?.toLowerCase();
  if (uetr !== undefined && uetrForm.test(uetr)) lines.push(`      <OrgnlUETR>${uetr}</OrgnlUETR>`);
  lines.push(`      <TxSts>${outcome.type === 'settled' ? 'ACSC' : 'RJCT'}</TxSts>`);
  if (outcome.type === 'refused') lines.push(...reasonLines(outcome.code, outcome.info ?? ''));
  return [...lines, '    </TxInfAndSts>'];
}

function reasonLines(code: ReasonCode, info: string): string[] {
  const lines = ['      <StsRsnInf>', '        <Rsn>', `          <Cd>${code}</Cd>`, '        </Rsn>'];
  for (const line of infoLines(info)) lines.push(`        <AddtlInf>${escapeXml(line)}</AddtlInf>`);
  return [...lines, '      </StsRsnInf>'];
}

/** Cut into lines of at most 105 characters, never inside a character. */
function infoLines(info: string): string[] {
  const characters = [...printable(info)];
  const lines: string[] = [];
  for (let start = 0; start < characters.length && lines.length < maxInfoLines; start += maxInfo) {
    lines.push(characters.slice(start, start + maxInfo).join(''));
  }
  return lines;
}

/** An id as it may stand in the report, or undefined if nothing is left of it. */
function idText(text: string | undefined): string | undefined {
  const cut = [...printable(text ?? '')].slice(0, maxId).join('');
  return cut.length === 0 ? undefined : escapeXml(cut);
}

/** One line of characters that XML allows: an error message may hold anything. */
function printable(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?')
    .replace(/\s+/g, ' ')
    .trim();
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function reportId({ messageId }: CreditTransferMessage, createdAt: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([messageId, createdAt]))
    .digest('hex');
  return `STS-${digest.slice(0, 28).toUpperCase()}`;
}

/**
 * One `CdtTrfTxInf` of any version of pacs.008, as a transfer to book or as a refusal with the path of what is missing.
 * Owns where each field stands. Instructing and instructed agents are never taken for the debtor's or creditor's bank:
 * they say who sends the message, not who keeps the account.
 */
import { isIbanValid } from '../iban.ts';
import { type Amount, type Decimal, parseAmount, parseDecimal } from '../money.ts';
import { clientRequestIdOf } from './client-request-id.ts';
import type { XmlElement } from './element.ts';
import { Findings, lengthOf, type Place } from './findings.ts';
import type { Account, Bank, Party, Transaction, TransferIds } from './types.ts';

export interface TransferContext {
  readonly messageId: string;
  /** Position in the message, from 0. */
  readonly index: number;
  /** `FIToFICstmrCdtTrf/CdtTrfTxInf[1]` */
  readonly path: string;
  /** `GrpHdr/IntrBkSttlmDt`, for transactions that have no date of their own. */
  readonly settlementDate?: string;
}

export interface ReadTransfer {
  readonly transaction: Transaction;
  /** For the sums of the message: what the amount says, even if the transaction is refused for it. */
  readonly stated?: { readonly amount: Decimal; readonly currency: string };
}

const maxId = 35;
const maxAccount = 34;
const maxName = 140;
const bicForm = /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/;
const uetrForm = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const dateForm = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(Z|[+-]\d{2}:\d{2})?$/;

export function readTransfer(element: XmlElement, context: TransferContext): ReadTransfer {
  const findings = new Findings();
  const place: Place = { element, path: context.path };
  const ids = readIds(place, context, findings);
  const { amount, stated } = readAmount(place, findings);
  const debtor = readParty(place, { party: 'Dbtr', account: 'DbtrAcct', agent: 'DbtrAgt' }, findings);
  const creditor = readParty(place, { party: 'Cdtr', account: 'CdtrAcct', agent: 'CdtrAgt' }, findings);
  const settlementDate = readDate(place, findings) ?? context.settlementDate;
  const { refusal, warnings } = findings;
  if (refusal === undefined && amount !== undefined && debtor !== undefined && creditor !== undefined) {
    const transfer = { ...ids, amount, ...given('settlementDate', settlementDate), debtor, creditor };
    return { transaction: { type: 'transfer', transfer, warnings }, ...given('stated', stated) };
  }
  const unknown = { code: 'FF01', path: context.path, reason: 'an element is missing' } as const;
  return { transaction: { type: 'refused', ids, refusal: refusal ?? unknown, warnings }, ...given('stated', stated) };
}

/** `{ [key]: value }`, or nothing: optional properties are left out, never set to undefined. */
export function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

function readIds(place: Place, context: TransferContext, findings: Findings): TransferIds {
  const { messageId, index } = context;
  const transactionId = findings.text(place, maxId, 'PmtId', 'TxId');
  const endToEndId = findings.text(place, maxId, 'PmtId', 'EndToEndId');
  const instructionId = findings.text(place, maxId, 'PmtId', 'InstrId');
  const uetr = findings.text(place, maxId + 1, 'PmtId', 'UETR');
  // A wrong UETR still tells one payment from another, which is all that it is needed for here.
  if (uetr !== undefined && !uetrForm.test(uetr)) {
    findings.warn(`${place.path}/PmtId/UETR`, `"${uetr}" is not a UUID of version 4 in lower case`);
  }
  return {
    clientRequestId: clientRequestIdOf(messageId, transactionId ?? endToEndId ?? '', index),
    messageId,
    index,
    ...given('transactionId', transactionId),
    ...given('endToEndId', endToEndId),
    ...given('instructionId', instructionId),
    ...given('uetr', uetr),
  };
}

function readAmount(
  place: Place,
  findings: Findings,
): { amount?: Amount; stated?: { amount: Decimal; currency: string } } {
  const { element, path } = findings.child(place, 'IntrBkSttlmAmt');
  const currency = element?.attributes.get('Ccy') ?? '';
  if (element === undefined || element.text.length === 0) {
    findings.refuse('FF01', path, 'the settlement amount is missing');
    return {};
  }
  const decimal = parseDecimal(element.text);
  const stated = decimal === undefined ? undefined : { amount: decimal, currency };
  if (!/^[A-Z]{3}$/.test(currency)) {
    const why = currency === '' ? 'the currency is missing' : 'the currency is not a code of three capital letters';
    findings.refuse('FF01', `${path}/@Ccy`, why);
    return given('stated', stated);
  }
  const parsed = parseAmount(element.text, currency);
  if (parsed.type === 'currencyUnknown') findings.refuse('AM11', `${path}/@Ccy`, parsed.why);
  else if (parsed.type === 'malformed') findings.refuse('FF01', path, parsed.why);
  else if (parsed.amount.minor === 0n) findings.refuse('AM01', path, 'the amount is zero');
  return parsed.type === 'amount' ? { amount: parsed.amount, ...given('stated', stated) } : given('stated', stated);
}

function readParty(
  place: Place,
  names: { readonly party: string; readonly account: string; readonly agent: string },
  findings: Findings,
): Party | undefined {
  const bank = readBank(findings.child(place, names.agent), findings);
  const account = readAccount(findings.child(place, names.account), findings);
  const name = readName(findings.at(place, names.party, 'Nm'), findings);
  return bank === undefined || account === undefined ? undefined : { bank, account, ...given('name', name) };
}

function readBank(agent: Place, findings: Findings): Bank | undefined {
  const institution = findings.child(agent, 'FinInstnId');
  const bic = findings.text(institution, maxId, 'BICFI') ?? findings.text(institution, maxId, 'BIC');
  if (bic !== undefined) {
    if (!bicForm.test(bic)) findings.warn(`${institution.path}/BICFI`, `"${bic}" does not have the form of a BIC`);
    return { id: bic, scheme: 'BIC' };
  }
  const member = findings.text(institution, maxId, 'ClrSysMmbId', 'MmbId');
  if (member !== undefined) return { id: member, scheme: 'CLEARING' };
  const other = findings.text(institution, maxId, 'Othr', 'Id');
  if (other !== undefined) return { id: other, scheme: 'OTHER' };
  findings.refuse('FF01', deepest(agent, institution), 'the bank has no BIC, clearing member id or other id');
  return undefined;
}

function readAccount(account: Place, findings: Findings): Account | undefined {
  const id = findings.child(account, 'Id');
  const iban = findings.text(id, maxAccount, 'IBAN');
  if (iban !== undefined) {
    if (!isIbanValid(iban)) findings.warn(`${id.path}/IBAN`, `"${iban}" has wrong check digits or is not an IBAN`);
    return { id: iban, scheme: 'IBAN' };
  }
  const other = findings.text(id, maxAccount, 'Othr', 'Id');
  if (other !== undefined) return { id: other, scheme: 'OTHER' };
  findings.refuse('FF01', deepest(account, id), 'the account has neither an IBAN nor another id');
  return undefined;
}

/** Names the outermost element that is missing, which is the one to add. */
function deepest(outer: Place, inner: Place): string {
  return outer.element === undefined ? outer.path : inner.path;
}

/** A name is shown, never compared, so one that is too long is cut. */
function readName({ element, path }: Place, findings: Findings): string | undefined {
  if (element === undefined || element.text.length === 0) return undefined;
  if (lengthOf(element.text) <= maxName) return element.text;
  findings.warn(path, `the name is longer than ${maxName} characters and was cut`);
  return [...element.text].slice(0, maxName).join('');
}

function readDate(place: Place, findings: Findings): string | undefined {
  const { element, path } = findings.child(place, 'IntrBkSttlmDt');
  if (element === undefined || element.text.length === 0) return undefined;
  if (dateForm.test(element.text)) return element.text;
  findings.refuse('FF01', path, 'the settlement date is not an ISO date');
  return undefined;
}

/**
 * What a message says about itself against what it holds: number of transactions, control sum, total settlement amount.
 * Owns when a message is refused as a whole. All sums are exact.
 */
import { addDecimals, compareDecimals, type Decimal, formatDecimal, parseDecimal } from '../money.ts';
import type { ReadTransfer } from './credit-transfer.ts';
import type { XmlElement } from './element.ts';
import { Findings, type Place } from './findings.ts';
import type { ReasonCode, Refusal, Warning } from './types.ts';

export interface MessageParts {
  /** Local name of the body. */
  readonly bodyName: string;
  readonly header: XmlElement | undefined;
  /** How many group headers there are. */
  readonly headers: number;
  readonly transfers: readonly ReadTransfer[];
}

/** ISO 20022 allows a sum 18 digits, as many as each amount: too few for many large ones, so more are read. */
const maxSumDigits = 36;
const zero: Decimal = { units: 0n, scale: 0 };

export function checkMessage(parts: MessageParts): {
  readonly refusal?: Refusal;
  readonly warnings: readonly Warning[];
} {
  const { bodyName, header, headers, transfers } = parts;
  const findings = new Findings();
  const place: Place = { element: header, path: `${bodyName}/GrpHdr` };
  if (headers !== 1)
    findings.refuse('FF01', place.path, headers === 0 ? 'the group header is missing' : 'there are two group headers');
  if (findings.text(place, 35, 'MsgId') === undefined)
    findings.refuse('FF01', `${place.path}/MsgId`, 'the message id is missing');
  checkNumber(place, transfers.length, findings);
  if (transfers.length === 0) findings.refuse('FF01', `${bodyName}/CdtTrfTxInf`, 'the message has no transaction');
  checkControlSum(place, transfers, findings);
  checkTotal(place, transfers, findings);
  const { refusal, warnings } = findings;
  return refusal === undefined ? { warnings } : { refusal, warnings };
}

function checkNumber(header: Place, actual: number, findings: Findings): void {
  const { element, path } = findings.child(header, 'NbOfTxs');
  const stated = element?.text ?? '';
  if (stated === '') findings.refuse('AM18', path, 'the number of transactions is missing');
  else if (!/^\d{1,15}$/.test(stated)) findings.refuse('AM18', path, 'the number of transactions is not a number');
  else if (Number(stated) !== actual)
    findings.refuse('AM18', path, `it says ${stated} transactions, there are ${actual}`);
}

/** The control sum adds up amounts of all currencies, as ISO 20022 defines it. */
function checkControlSum(header: Place, transfers: readonly ReadTransfer[], findings: Findings): void {
  const { element, path } = findings.child(header, 'CtrlSum');
  if (element === undefined || element.text === '') return;
  compareSum('AM10', path, element.text, transfers, findings);
}

function checkTotal(header: Place, transfers: readonly ReadTransfer[], findings: Findings): void {
  const { element, path } = findings.child(header, 'TtlIntrBkSttlmAmt');
  if (element === undefined || element.text === '') return;
  const currency = element.attributes.get('Ccy') ?? '';
  const other = transfers.find(
    ({ stated }) => stated !== undefined && stated.currency !== '' && stated.currency !== currency,
  );
  if (other !== undefined) {
    findings.refuse('AM09', path, `the total is in "${currency}", a transaction in ${other.stated?.currency}`);
  }
  compareSum('AM09', path, element.text, transfers, findings);
}

function compareSum(
  code: ReasonCode,
  path: string,
  text: string,
  transfers: readonly ReadTransfer[],
  findings: Findings,
): void {
  const stated = parseDecimal(text, maxSumDigits);
  if (stated === undefined) {
    findings.refuse(code, path, 'the sum is not a decimal number');
    return;
  }
  const sum = transfers.reduce((total, one) => addDecimals(total, one.stated?.amount ?? zero), zero);
  const difference = compareDecimals(sum, stated);
  if (difference === 0) return;
  const said = `it says ${formatDecimal(stated)}, the amounts add up to ${formatDecimal(sum)}`;
  const unread = transfers.filter((one) => one.stated === undefined).length;
  // An amount that is missing or no number is refused by itself. What it was meant to add is unknown, so a sum that is
  // short may still be right; one that is exceeded cannot be.
  if (unread > 0 && difference < 0) findings.warn(path, `${said}; ${unread} amounts that cannot be read are not in it`);
  else findings.refuse(code, path, said);
}

/**
 * Money: exact amounts in their own currency. An amount is a count of the currency's smallest unit, so no sum is ever
 * rounded. `Decimal` is for figures without a currency, such as a control sum over several currencies.
 */
import { minorDigits } from './currencies.ts';
import { PaymentsError } from './errors.ts';

/** `{ currency: 'EUR', minor: 1250n }` is 12.50 euro; `{ currency: 'JPY', minor: 1250n }` is 1,250 yen. */
export interface Amount {
  readonly currency: string;
  readonly minor: bigint;
}

/** `units / 10^scale`, exact. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export type ParsedAmount =
  | { readonly type: 'amount'; readonly amount: Amount }
  | { readonly type: 'currencyUnknown'; readonly why: string }
  | { readonly type: 'malformed'; readonly why: string };

/** ISO 20022 allows an amount 18 digits in all; counting them also bounds the work on hostile input. */
const maxDigits = 18;

/** The lexical form of `xs:decimal`: `7`, `7.`, `.5`, `+0007.50`; no exponent, no group separator. */
const decimalForm = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** A decimal number of at most `limit` digits (default 18), or undefined for any other text. */
export function parseDecimal(text: string, limit = maxDigits): Decimal | undefined {
  if (text.length > 64) return undefined;
  const match = decimalForm.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  const all = whole + fraction;
  if (match === null || all.length === 0 || all.replace(/^0+/, '').length > limit) return undefined;
  const units = BigInt(all);
  return { units: match[1] === '-' ? -units : units, scale: fraction.length };
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescale(a, scale) + rescale(b, scale), scale };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`; 1.5 equals 1.50. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  return sign(rescale(a, scale) - rescale(b, scale));
}

export function formatDecimal({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
  return `${units < 0n ? '-' : ''}${whole}${fraction}`;
}

/**
 * Reads an amount without ever rounding: more fraction digits than the currency has are malformed, even zeros, because
 * ISO 20022 says so and because nobody can know what the sender meant by them.
 */
export function parseAmount(text: string, currency: string): ParsedAmount {
  const digits = minorDigits(currency);
  if (digits === undefined)
    return { type: 'currencyUnknown', why: `"${shorten(currency)}" is not an ISO 4217 currency` };
  const decimal = parseDecimal(text);
  if (decimal === undefined) return { type: 'malformed', why: `"${shorten(text)}" is not a decimal number` };
  if (decimal.units < 0n) return { type: 'malformed', why: `"${shorten(text)}" is negative` };
  if (decimal.scale > digits) {
    return {
      type: 'malformed',
      why: `"${shorten(text)}" has ${decimal.scale} fraction digits, ${currency} has ${digits}`,
    };
  }
  return { type: 'amount', amount: { currency, minor: rescale(decimal, digits) } };
}

/**
 * The amount of a text that is expected to be right, such as a command line option.
 * @throws PaymentsError `PAYMENTS_AMOUNT_INVALID`
 */
export function amountOf(text: string, currency: string): Amount {
  const parsed = parseAmount(text, currency);
  if (parsed.type !== 'amount') throw new PaymentsError('PAYMENTS_AMOUNT_INVALID', parsed.why);
  return parsed.amount;
}

/** The decimal text, with exactly the fraction digits of the currency: `12.50`. */
export function formatAmount({ currency, minor }: Amount): string {
  return formatDecimal(decimalOf({ currency, minor }));
}

/** @throws PaymentsError `PAYMENTS_AMOUNT_INVALID` for a currency that ISO 4217 does not know. */
export function decimalOf({ currency, minor }: Amount): Decimal {
  const scale = minorDigits(currency);
  if (scale === undefined) {
    throw new PaymentsError('PAYMENTS_AMOUNT_INVALID', `"${shorten(currency)}" is not an ISO 4217 currency`);
  }
  return { units: minor, scale };
}

export function addAmounts(a: Amount, b: Amount): Amount {
  requireSameCurrency(a, b);
  return { currency: a.currency, minor: a.minor + b.minor };
}

/** May be negative; whether that is allowed is the account's decision. */
export function subtractAmounts(a: Amount, b: Amount): Amount {
  requireSameCurrency(a, b);
  return { currency: a.currency, minor: a.minor - b.minor };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareAmounts(a: Amount, b: Amount): number {
  requireSameCurrency(a, b);
  return sign(a.minor - b.minor);
}

function requireSameCurrency(a: Amount, b: Amount): void {
  if (a.currency === b.currency) return;
  throw new PaymentsError('PAYMENTS_AMOUNT_INVALID', `${a.currency} and ${b.currency} cannot be added or compared`);
}

function rescale({ units, scale }: Decimal, to: number): bigint {
  return units * 10n ** BigInt(to - scale);
}

function sign(value: bigint): number {
  if (value === 0n) return 0;
  return value < 0n ? -1 : 1;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}...`;
}

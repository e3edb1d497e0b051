/**
 * Generates a pacs.008.001.08 message of any size from a seed, over the accounts of `files/accounts.json`: most payments
 * settle, some are refused for each reason there is. The same seed gives the same bytes.
 *
 *     node examples/payments/generate.ts --transactions 1000 --seed 7 --out one-thousand.xml
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { escapeXml } from './iso20022/index.ts';
import { type Amount, addDecimals, type Decimal, decimalOf, formatAmount, formatDecimal } from './money.ts';
import { type OpeningAccount, type OpeningBook, readOpeningBook } from './opening-book.ts';

export interface GenerateOptions {
  readonly book: OpeningBook;
  readonly transactions: number;
  readonly seed: number;
}

/** What a payment is made to end with; `AM04` may also happen to others, when an account runs dry. */
type Intent = 'settle' | 'AC01' | 'AC04' | 'AM03' | 'AM04' | 'AM05' | 'FF01' | 'RC01';

const refusals: readonly Intent[] = ['AC01', 'AC04', 'AM03', 'AM04', 'AM05', 'FF01', 'RC01'];
/** Of each reason. */
const refusalShare = 0.015;
const currencies = ['EUR', 'USD', 'CHF', 'JPY'] as const;
/** In minor units: a payment is between 1 and this. */
const largest: Readonly<Record<string, number>> = { EUR: 420_000, USD: 480_000, CHF: 390_000, JPY: 600_000 };
const unknownBank = 'NNNNLIVX';
const settlementDate = '2026-01-15';

export function generateMessage({ book, transactions, seed }: GenerateOptions): string {
  const generator = new Generator(book, numbersOf(seed));
  const body = Array.from({ length: transactions }, (_, index) => generator.transaction(index)).join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">',
    '<FIToFICstmrCdtTrf>',
    '<GrpHdr>',
    `<MsgId>GEN-${transactions}-${seed}</MsgId>`,
    '<CreDtTm>2026-01-15T08:00:00Z</CreDtTm>',
    `<NbOfTxs>${transactions}</NbOfTxs>`,
    `<CtrlSum>${formatDecimal(generator.controlSum)}</CtrlSum>`,
    '<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>',
    '</GrpHdr>',
    `${body}</FIToFICstmrCdtTrf>`,
    '</Document>',
    '',
  ].join('\n');
}

interface Side {
  readonly owner: string;
  readonly account: string;
  readonly bank: string;
}

class Generator {
  controlSum: Decimal = { units: 0n, scale: 0 };
  readonly #random: () => number;
  readonly #open: readonly OpeningAccount[];
  readonly #closed: readonly OpeningAccount[];
  readonly #uetrs: string[] = [];

  constructor(book: OpeningBook, random: () => number) {
    this.#random = random;
    const bics = book.accounts.filter(({ bank }) => /^[A-Z]{4}[A-Z]{2}/.test(bank));
    this.#open = bics.filter(({ status }) => status === 'open');
    this.#closed = bics.filter(({ status }) => status === 'closed');
  }

  transaction(index: number): string {
    const intent = this.#intent();
    const currency = this.#pick(currencies);
    const inCurrency = this.#open.filter(({ balance }) => balance.currency === currency);
    const debtor = this.#pick(inCurrency);
    const creditor = this.#creditor(intent, debtor, inCurrency);
    const amount: Amount =
      intent === 'AM04'
        ? { currency, minor: 9_000_000_000n + BigInt(this.#below(1_000_000)) }
        : { currency, minor: BigInt(1 + this.#below(largest[currency] ?? 1)) };
    const uetr = this.#uetr(intent);
    const id = String(index + 1).padStart(6, '0');
    const lines = [
      '<CdtTrfTxInf>',
      `<PmtId><InstrId>INS${id}</InstrId><EndToEndId>E2E-${id}</EndToEndId><TxId>TX${id}</TxId><UETR>${uetr}</UETR></PmtId>`,
      this.#amountLine(amount, intent, index),
      `<IntrBkSttlmDt>${settlementDate}</IntrBkSttlmDt>`,
      '<ChrgBr>SHAR</ChrgBr>',
      `<Dbtr><Nm>${escapeXml(debtor.owner)}</Nm></Dbtr>`,
      // Two ways of a wrong format take turns: no account, and an amount with too many digits.
      intent === 'FF01' && index % 2 === 0 ? '' : accountLine('DbtrAcct', debtor.account),
      `<DbtrAgt><FinInstnId><BICFI>${debtor.bank}</BICFI></FinInstnId></DbtrAgt>`,
      `<CdtrAgt><FinInstnId><BICFI>${creditor.bank}</BICFI></FinInstnId></CdtrAgt>`,
      `<Cdtr><Nm>${escapeXml(creditor.owner)}</Nm></Cdtr>`,
      accountLine('CdtrAcct', creditor.account),
      `<RmtInf><Ustrd>Invoice ${20_000 + index}</Ustrd></RmtInf>`,
      '</CdtTrfTxInf>',
    ];
    return `${lines.filter((line) => line !== '').join('\n')}\n`;
  }

  #intent(): Intent {
    const at = Math.floor(this.#random() / refusalShare);
    return refusals[at] ?? 'settle';
  }

  #creditor(intent: Intent, debtor: OpeningAccount, inCurrency: readonly OpeningAccount[]): Side {
    const elsewhere = inCurrency.filter(({ bank }) => bank !== debtor.bank);
    switch (intent) {
      case 'AC01':
        return { ...this.#pick(elsewhere), account: `UNKNOWN${this.#below(1_000_000)}`, owner: 'Nobody Known' };
      case 'AC04':
        return this.#pick(this.#closed.filter(({ balance }) => balance.currency === debtor.balance.currency));
      case 'AM03':
        return this.#pick(this.#open.filter(({ balance }) => balance.currency !== debtor.balance.currency));
      case 'RC01':
        return { owner: 'Castle View Foundation', account: 'LI21088100002324013AA', bank: unknownBank };
      default:
        return this.#pick(elsewhere);
    }
  }

  #amountLine(amount: Amount, intent: Intent, index: number): string {
    const tooFine = intent === 'FF01' && index % 2 === 1;
    const stated = decimalOf(amount);
    const written = tooFine ? { units: stated.units * 1_000n + 5n, scale: stated.scale + 3 } : stated;
    this.controlSum = addDecimals(this.controlSum, written);
    const text = tooFine ? formatDecimal(written) : formatAmount(amount);
    return `<IntrBkSttlmAmt Ccy="${amount.currency}">${text}</IntrBkSttlmAmt>`;
  }

  /** A duplicate repeats one of the references before it. */
  #uetr(intent: Intent): string {
    if (intent === 'AM05' && this.#uetrs.length > 0) return this.#pick(this.#uetrs);
    const bytes = Uint8Array.from({ length: 16 }, () => this.#below(256));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString('hex');
    const uetr = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    if (intent === 'settle') this.#uetrs.push(uetr);
    return uetr;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#below(from.length)];
    if (picked === undefined) throw new Error('the accounts do not hold what a generated message needs');
    return picked;
  }
}

function accountLine(name: 'DbtrAcct' | 'CdtrAcct', account: string): string {
  const isIban = /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(account);
  const id = isIban ? `<IBAN>${account}</IBAN>` : `<Othr><Id>${escapeXml(account)}</Id></Othr>`;
  return `<${name}><Id>${id}</Id></${name}>`;
}

/** Repeatable numbers from 0 up to 1 (mulberry32, public domain, by Tommy Ettinger). */
function numbersOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      transactions: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '7' },
      out: { type: 'string' },
      accounts: { type: 'string' },
    },
  });
  const accounts = values.accounts ?? new URL('files/accounts.json', import.meta.url);
  const transactions = Number(values.transactions);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(transactions) || transactions < 1 || !Number.isSafeInteger(seed)) {
    throw new Error('--transactions and --seed must be whole numbers, and there must be a transaction');
  }
  const xml = generateMessage({ book: readOpeningBook(readFileSync(accounts, 'utf8')), transactions, seed });
  if (values.out === undefined) process.stdout.write(xml);
  else writeFileSync(values.out, xml);
}

if (import.meta.main) main();

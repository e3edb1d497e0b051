import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateMessage } from '../../../examples/payments/generate.ts';
import { readCreditTransfers } from '../../../examples/payments/iso20022/index.ts';
import { readOpeningBook } from '../../../examples/payments/opening-book.ts';
import { recompute } from '../../../examples/payments/recompute.ts';
import { runModelLedger } from './model-ledger.ts';

const folder = new URL('../../../examples/payments/files/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.xml'));
const textOf = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const book = readOpeningBook(textOf('accounts.json'));
const messagesOf = (name: string) => readCreditTransfers(textOf(name)).messages;

/** How the payments of a file end if they run alone. */
const refusedAlone = (name: string): Record<string, number> =>
  Object.fromEntries(recompute(runModelLedger(book, messagesOf(name), 1)).refused);

describe('the shipped files', () => {
  it.each([
    ['01-suppliers-eur.xml', { AC01: 1 }],
    ['02-clearing-usd-prefixed.xml', { AM04: 1 }],
    ['03-header-chf.xml', { AC04: 1, RC01: 1 }],
    ['04-datapdu-jpy.xml', { AM05: 1 }],
    ['05-no-namespace-gbp.xml', { AM04: 1, FF01: 2 }],
    ['06-beside-a-pacs009.xml', {}],
    ['07-wrong-control-sum.xml', { AM10: 2 }],
    ['08-two-documents.xml', {}],
  ])('%s refuses what it is there to show', (name, refused) => expect(refusedAlone(name)).toEqual(refused));

  it('balance in any order, all together', () => {
    const all = names.flatMap(messagesOf);
    for (let seed = 1; seed <= 5; seed += 1) {
      expect(recompute(runModelLedger(book, all, seed)).problems).toEqual([]);
    }
  });

  it('warn about one IBAN only', () => {
    const handMade = names.filter((name) => name.startsWith('0')).flatMap(messagesOf);
    const warnings = handMade.flatMap(({ transactions }) => transactions.flatMap((one) => one.warnings));
    expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining('GB00THQY')]);
  });
});

describe('generated messages', () => {
  it('are the same for the same seed: the shipped thousand is that of seed 7', () => {
    expect(generateMessage({ book, transactions: 1_000, seed: 7 })).toBe(textOf('one-thousand.xml'));
  });

  it('differ for another seed', () => {
    const [one, two] = [1, 2].map((seed) => generateMessage({ book, transactions: 10, seed }).replace(/<MsgId>.*/, ''));
    expect(one).not.toBe(two);
  });

  it('mostly settle, and are refused for every reason there is', () => {
    const proof = recompute(runModelLedger(book, messagesOf('one-thousand.xml'), 1));
    expect(proof.settled).toBeGreaterThan(800);
    expect([...proof.refused.keys()]).toEqual(['AC01', 'AC04', 'AM03', 'AM04', 'AM05', 'FF01', 'RC01']);
    for (const count of proof.refused.values()) expect(count).toBeGreaterThanOrEqual(5);
  });

  it.each([1, 2, 3])('of seed %s are whole and balance', (seed) => {
    const { messages } = readCreditTransfers(generateMessage({ book, transactions: 300, seed }));
    expect(messages[0]?.refusal).toBeUndefined();
    expect(recompute(runModelLedger(book, messages, seed)).problems).toEqual([]);
  });
});

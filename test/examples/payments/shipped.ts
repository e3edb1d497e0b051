/** The shipped files, and what stands in pacs.002 reports, for tests that run the example. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOpeningBook } from '../../../examples/payments/opening-book.ts';

const folder = new URL('../../../examples/payments/files/', import.meta.url);

export const shippedPath = (name: string): string => new URL(name, folder).pathname;

export const shippedBook = readOpeningBook(readFileSync(shippedPath('accounts.json'), 'utf8'));

/** How many transactions the reports in a folder call settled, and how many refused with each code. */
export function outcomesIn(reports: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of readdirSync(reports).filter((one) => one.startsWith('pacs.002-'))) {
    const xml = readFileSync(join(reports, name), 'utf8');
    for (const [block] of xml.matchAll(/<TxInfAndSts>[\s\S]*?<\/TxInfAndSts>/g)) {
      const result = block.includes('<TxSts>ACSC</TxSts>') ? 'settled' : (/<Cd>(\w+)<\/Cd>/.exec(block)?.[1] ?? 'none');
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
  }
  return counts;
}

/** SIGTERM in the middle: what runs is brought to rest, nothing is lost, and the same command goes on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateMessage } from '../../../examples/payments/generate.ts';
import { readCreditTransfers } from '../../../examples/payments/iso20022/index.ts';
import { lastOf, type PaymentsEvent, runPayments } from './child.ts';
import { expectProved, ledgerAtRest } from './ledger-at-rest.ts';
import { shippedBook as book } from './shipped.ts';

const payments = 400;

it.each(['SIGTERM', 'SIGINT'] as const)('%s in the middle loses nothing; a second start continues', async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-payments-drain-'));
  try {
    const xml = generateMessage({ book, transactions: payments, seed: 5 });
    const { messages } = readCreditTransfers(xml);
    const file = join(folder, 'generated.xml');
    writeFileSync(file, xml);
    const data = join(folder, 'data');
    const args = [file, '--data', data, '--no-serve'];

    const idsOf = (events: readonly PaymentsEvent[], type: string): string[] =>
      events.flatMap((event) => (event.type === type && event.id !== undefined ? [event.id] : []));
    let seen = 0;
    const first = await runPayments(args, ({ type }, child) => {
      if (type === 'ended' && ++seen === 100) child.kill(signal);
    });
    expect(first.code, first.stderr).toBe(signal === 'SIGTERM' ? 143 : 130);
    expect(first.events.at(-1)?.type).toBe('stopped');
    expect(Number(lastOf(first, 'interrupted')?.left)).toBeGreaterThan(0);

    const second = await runPayments(args);
    expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
    const created = new Set(
      second.events.flatMap(({ type, id, created: isNew }) => (type === 'accepted' && isNew === true ? [id] : [])),
    );
    // What the first one had accepted was there, though its outcome may not have been known.
    expect(idsOf(first.events, 'accepted').filter((id) => created.has(id))).toEqual([]);
    expect(lastOf(second, 'summary')).toMatchObject({ balanced: true, transactions: payments, open: [] });
    expectProved(await ledgerAtRest(data, book, messages));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

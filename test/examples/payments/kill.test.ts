/**
 * The gate: the payments run as a real process that is killed with SIGKILL at seeded moments and started again, over and
 * over on one data directory. `PAYMENTS_KILLS=500 npx vitest run test/examples/payments/kill.test.ts` kills more often.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateMessage } from '../../../examples/payments/generate.ts';
import { readCreditTransfers } from '../../../examples/payments/iso20022/index.ts';
import { seededRandom } from '../../../src/ports/index.ts';
import { lastOf, type PaymentsEvent, runPayments } from './child.ts';
import { expectProved, ledgerAtRest } from './ledger-at-rest.ts';
import { shippedBook as book, outcomesIn } from './shipped.ts';

const killsPerRun = 10;
const payments = 400;
const runs = Math.ceil(Number(process.env.PAYMENTS_KILLS ?? 50) / killsPerRun);
const seeds = Array.from({ length: runs }, (_, index) => 101 + index);

/** What was under way at a kill, as far as anybody outside could know. */
interface Kill {
  readonly unfinished: number;
  readonly inFlight: number;
}

const kills: Kill[] = [];

describe.concurrent('payments, killed with SIGKILL and started again', () => {
  afterAll(() => {
    const inFlight = kills.filter((kill) => kill.inFlight > 0).length;
    const unfinished = kills.filter((kill) => kill.unfinished > 0).length;
    process.stdout.write(
      `${kills.length} kills: ${unfinished} with unfinished payments, ${inFlight} of them with payments in flight ` +
        `(${kills.map((kill) => kill.inFlight).join(', ')})\n`,
    );
  });

  it.each(seeds)('end each payment once, and every balance is right (seed %i)', { timeout: 300_000 }, async (seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-payments-kill-'));
    const random = seededRandom(seed);
    const told = new Map<string, string>();
    const accepted = new Set<string>();
    const wrong: string[] = [];
    const ownKills: Kill[] = [];
    try {
      const xml = generateMessage({ book, transactions: payments, seed });
      const { messages } = readCreditTransfers(xml);
      const toPay = messages.flatMap(({ transactions }) =>
        transactions.filter(({ type }) => type === 'transfer'),
      ).length;
      const file = join(folder, 'generated.xml');
      writeFileSync(file, xml);
      const data = join(folder, 'data');
      mkdirSync(data);
      const args = [file, '--data', data, '--no-serve'];

      const note = (event: PaymentsEvent): boolean => {
        const { type, id = '', created, outcome } = event;
        const knew = told.get(id);
        if (type === 'accepted') {
          // What was accepted once is never started again, whatever happened in between (W8).
          if (created === true && accepted.has(id)) wrong.push(`${id} was accepted twice`);
          accepted.add(id);
          return created === true;
        }
        if (type !== 'ended' || outcome === undefined) return false;
        const result = outcome.code ?? outcome.type;
        // An outcome that was told once is the outcome for ever.
        if (knew !== undefined && knew !== result) wrong.push(`${id} was ${knew}, then ${result}`);
        told.set(id, result);
        return knew === undefined;
      };

      for (let kill = 0; kill < killsPerRun; kill++) {
        const patience = momentOf(random.next(), random.next());
        let left = patience.after;
        const child = await runPayments(args, (event, process) => {
          const isNew = note(event);
          if (process.killed || (patience.counts === 'new' && !isNew && event.type !== 'summary')) return;
          left = event.type === 'summary' ? 0 : left - 1;
          if (left > 0) return;
          process.kill('SIGKILL');
          const inFlight = [...accepted].filter((id) => !told.has(id)).length;
          ownKills.push({ unfinished: toPay - told.size, inFlight });
        });
        expect(child.signal, child.stderr).toBe('SIGKILL');
        expect(wrong).toEqual([]);
      }

      const last = await runPayments(args, note);
      expect({ code: last.code, stderr: last.stderr }).toEqual({ code: 0, stderr: '' });
      expect(lastOf(last, 'summary')).toMatchObject({ balanced: true, transactions: payments, open: [] });
      const ledger = await ledgerAtRest(data, book, messages);
      expectProved(ledger);
      expect(ledger.outcomes).toEqual(told);
      expect(told.size).toBe(toPay);
      expect(outcomesIn(join(data, 'reports'))).toEqual(reportedCounts(told, payments - toPay));
      // A gate that kills idle processes proves nothing.
      expect(ownKills.filter(({ unfinished }) => unfinished > 0).length).toBeGreaterThanOrEqual(killsPerRun - 2);
      kills.push(...ownKills);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/**
 * When to kill. Mostly behind so many new facts (a payment accepted, an outcome), in the thick of the work; sometimes
 * behind so many lines of any kind, which may be while accounts are opened or what is known already is told again.
 */
function momentOf(kind: number, draw: number): { readonly counts: 'new' | 'any'; readonly after: number } {
  return kind < 0.8
    ? { counts: 'new', after: 1 + Math.floor((draw * 1.6 * payments) / killsPerRun) }
    : { counts: 'any', after: 1 + Math.floor(draw * 120) };
}

/** How many reports of transactions say what. */
function reportedCounts(told: ReadonlyMap<string, string>, refusedByFile: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>([['FF01', refusedByFile]]);
  for (const result of told.values()) counts.set(result, (counts.get(result) ?? 0) + 1);
  return counts;
}

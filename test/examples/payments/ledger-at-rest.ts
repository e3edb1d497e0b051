/** What a data directory holds when nobody works on it: read from the node itself, not from what the example says. */
import { expect } from 'vitest';
import { paidSchema } from '../../../examples/payments/flows.ts';
import { type CreditTransferMessage, idsOf } from '../../../examples/payments/iso20022/index.ts';
import { lookAtAccounts, startMarket } from '../../../examples/payments/market.ts';
import type { OpeningBook } from '../../../examples/payments/opening-book.ts';
import { type LedgerProof, type ReportedOutcome, recompute } from '../../../examples/payments/recompute.ts';
import { type FlowView, silentLogger } from '../../../src/index.ts';

export interface LedgerAtRest {
  readonly proof: LedgerProof;
  /** `settled` or the code, by payment. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Money set aside, over all accounts. */
  readonly reserved: bigint;
  /** Flows of any kind that have not ended. */
  readonly unfinished: readonly FlowView[];
}

export async function ledgerAtRest(
  data: string,
  book: OpeningBook,
  messages: readonly CreditTransferMessage[],
): Promise<LedgerAtRest> {
  const node = await startMarket({ book, data: `${data}/node`, logger: silentLogger });
  try {
    const views: FlowView[] = [];
    let cursor: string | undefined;
    do {
      const page = await node.list({ limit: 1_000, cursor });
      views.push(...page.flows);
      cursor = page.cursor;
    } while (cursor !== undefined);
    const reported: ReportedOutcome[] = fileRefusals(messages);
    const outcomes = new Map<string, string>();
    for (const { flow, clientRequestId, status, result } of views) {
      if (flow !== 'pay' || status !== 'COMPLETED') continue;
      const { outcome } = paidSchema.parse(result);
      reported.push({ clientRequestId, result: outcome });
      outcomes.set(clientRequestId, outcome.type === 'settled' ? 'settled' : outcome.code);
    }
    const balances = await lookAtAccounts(node, book);
    return {
      proof: recompute({ book, messages, outcomes: reported, balances }),
      outcomes,
      reserved: balances.reduce((sum, one) => sum + one.reserved, 0n),
      unfinished: views.filter(({ status }) => status === 'RUNNING' || status === 'STUCK'),
    };
  } finally {
    await node.stop();
  }
}

/** Every payment has one outcome, every balance is that of the independent recomputation, and nothing is under way. */
export function expectProved({ proof, reserved, unfinished }: LedgerAtRest): void {
  expect(proof.problems).toEqual([]);
  expect(reserved).toBe(0n);
  expect(unfinished.map(({ flowId, flow, status }) => ({ flowId, flow, status }))).toEqual([]);
}

function fileRefusals(messages: readonly CreditTransferMessage[]): ReportedOutcome[] {
  return messages.flatMap(({ transactions }) =>
    transactions.flatMap((one) =>
      one.type === 'refused'
        ? [
            {
              clientRequestId: idsOf(one).clientRequestId,
              result: { type: 'refused' as const, code: one.refusal.code },
            },
          ]
        : [],
    ),
  );
}

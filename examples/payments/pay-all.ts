/**
 * Starts one flow for each payment at the debtor's bank and waits for its outcome, so many at a time. Safe to do again
 * at any moment: the client request id is the payment's, so the node starts what it does not know and only tells about
 * the rest.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationError, type Node, WeirError } from 'weir';
import { eachOf } from './each-of.ts';
import { type PaymentOutcome, pay } from './flows.ts';
import type { Payment } from './intake.ts';

/** A payment has one outcome, or a reason why it has none yet. */
export type PaymentEnd =
  | { readonly type: 'outcome'; readonly outcome: PaymentOutcome }
  | { readonly type: 'conflict'; readonly why: string }
  | { readonly type: 'none'; readonly why: string };

export interface PaymentEvents {
  /** The node has it, durably. `created` is false if it was there already. */
  accepted(payment: Payment, created: boolean): void;
  ended(payment: Payment, end: PaymentEnd): void;
}

export interface PayAllSetup {
  readonly node: Node;
  readonly payments: readonly Payment[];
  readonly events: PaymentEvents;
  /** Aborted when the process is to stop: nothing more is started, and nobody waits any longer. */
  readonly signal: AbortSignal;
}

/** Enough to fill the commits of all shards; more would only wait inside the node. */
const paymentsAtOnce = 128;
const waitMs = 10 * 60_000;

export async function payAll({ node, payments, events, signal }: PayAllSetup): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
  });
  await eachOf(
    payments,
    paymentsAtOnce,
    async (payment) => {
      const end = await Promise.race([payOne(node, payment, events, signal), stopped]);
      if (end !== undefined) events.ended(payment, end);
    },
    signal,
  );
}

async function payOne(
  node: Node,
  payment: Payment,
  events: PaymentEvents,
  signal: AbortSignal,
): Promise<PaymentEnd | undefined> {
  try {
    const handle = await patiently(signal, () => startOf(node, payment));
    if (handle === undefined) return undefined;
    events.accepted(payment, handle.created);
    return await endOf(handle, signal);
  } catch (error) {
    // Whatever it was, it concerns this payment; the others go on, and the proof will show the gap.
    if (signal.aborted) return undefined;
    if (WeirError.is(error, 'WEIR_FLOW_CONFLICT')) return { type: 'conflict', why: error.message };
    return { type: 'none', why: error instanceof Error ? error.message : String(error) };
  }
}

function startOf(node: Node, { id, transfer }: Payment) {
  return node.start(transfer.debtor.bank.id, pay, transfer, { clientRequestId: id });
}

/** Waits for as long as the flow runs; only one that an operator must look at has no outcome. */
async function endOf(
  handle: Awaited<ReturnType<typeof startOf>>,
  signal: AbortSignal,
): Promise<PaymentEnd | undefined> {
  while (!signal.aborted) {
    try {
      const { outcome } = await handle.result({ within: waitMs });
      return { type: 'outcome', outcome };
    } catch (error) {
      if (error instanceof ApplicationError) return { type: 'none', why: `${error.code}: ${error.message}` };
      if (!WeirError.is(error, 'WEIR_FLOW_UNFINISHED') || error.context.status !== 'RUNNING') throw error;
    }
  }
  return undefined;
}

/** A node that is busy says so; the same request is right a moment later. */
async function patiently<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T | undefined> {
  for (let waitMs = 20; !signal.aborted; waitMs = Math.min(waitMs * 2, 1_000)) {
    try {
      return await request();
    } catch (error) {
      if (!WeirError.is(error) || !error.retryable) throw error;
    }
    await pause(waitMs);
  }
  return undefined;
}
